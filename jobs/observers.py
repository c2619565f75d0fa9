"""Who watches jobs from outside: traces, error trackers. By default nobody does, and it costs a look at an empty tuple.

An observer that raises is passed over, with a line in the log: a job must not fail because somebody looks at it.
"""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from idempotency.states import State
from jobs import log_events
from jobs.claim import Claim

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.enqueueing import Enqueued
    from jobs.options import Options
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

watching: "tuple[Observer, ...]" = ()
at_work: "tuple[IdempotentTask, Job] | None" = None  # what this worker process runs, where anybody watches
Context = AbstractContextManager[Any] | None
Ends = Callable[[BaseException | None], object]
PASSED_OVER = "%s failed and is passed over"


@dataclass(slots=True)
class Enqueuing:
    """One enqueue; `headers` are kept in the options of its records, and are back in `self.request.headers`.

    `count` None: of many, whose number is known with their `answers`.
    """

    task: "type[IdempotentTask]"
    queue: str
    count: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    answers: "Sequence[Enqueued]" = ()


@dataclass(frozen=True, slots=True)
class Death:
    """A job whose process died with it, or whose lease ran out."""

    id: UUID
    task: str
    queue: str
    key: UUID | None
    attempt: int
    state: State  # what became of it
    seconds: float | None  # that it had run, where that is known
    vendor: str | None = None
    hard_limit: float | None = None  # seconds, where it was that which killed it
    lease_ran_out: bool = False  # nobody saw it die

    @property
    def kind(self) -> str:
        """As Celery calls it."""
        if self.lease_ran_out:
            return "LeaseExpired"
        return "TimeLimitExceeded" if self.hard_limit else "WorkerLostError"

    @property
    def sentence(self) -> str:
        if self.hard_limit:
            return (
                f"the hard limit of {self.hard_limit:g} s killed the process that ran it; the job is {self.state} now"
            )
        if self.lease_ran_out:
            return f"its lease ran out: the worker died, froze or lost the database; the job is {self.state} now"
        ran = "" if self.seconds is None else f" after {self.seconds:.1f} s"
        return f"the process that ran it died{ran}; the job is {self.state} now"


class Along:
    """How an observer goes along with the jobs of one claim without being told of each.

    Of the jobs in `told` it hears by `running`. The others cost it nothing while they run: what they need of it, such
    as a scope, is there for all of them, and finds the job by `at_work` when a body asks for it.
    """

    told: Collection[int] = ()  # by their numbers

    def failed(self, task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
        """One of the others has ended, settled and without success; it is still at work."""

    def mend(self) -> None:
        """After each job: what its body has left behind must meet no other."""

    def leave(self) -> None:
        """The claim's last job has ended."""


class Observer:
    """Hooks that do nothing: override those you need. Contexts may be None."""

    def enqueuing(self, enqueuing: Enqueuing) -> Context:
        """Around the statement, in the caller's thread; put headers into `enqueuing.headers`."""

    def hinting(self, queue: str, headers: dict[str, str]) -> Context:
        """Around the sending of hints; what is put into `headers` goes with them."""

    def claimed(self, queue: str, claim: Claim, seconds: float, headers: Mapping[str, str]) -> None:
        """A claim took a batch; `headers` are those of the hint that led to it."""

    def along(self, claim: Claim) -> Along | None:
        """Jobs of a claim are about to run, one after the other. None: tell of each of them."""

    def running(self, task: "IdempotentTask", job: "Job", request: dict[str, Any]) -> Ends | None:
        """Before an attempt. What it returns is called when that has ended and is settled: see `job.outcome`.

        It is told the error that the attempt ended with, if any.
        """

    def ticking(self, schedule: str, nominal: datetime, times: Mapping[str, Any]) -> Context:
        """Around the enqueue of one tick of a schedule, in a beat; `times` as its row has them."""

    def missed(self, schedule: str, times: Mapping[str, Any]) -> None:
        """A beat has found ticks that will not fire; in the transaction that writes them down as missed."""

    def calling(self, vendor: str) -> Context:
        """Around one call of a vendor."""

    def unseen(self) -> Context:
        """Around what a worker process does for nobody but those who watch, such as sending events: not to be told."""

    def died(self, death: Death) -> None:
        """In a worker's parent or in a relay."""

    def flush(self) -> None:
        """Send what is still held: the process may end now."""


def add(observer: Observer, *, first: bool = False) -> None:
    """Let the observer watch this process and those that are forked from it; once, however often it is added.

    `first`: before the others, which see the headers that it adds.
    """
    global watching
    if observer not in watching:
        watching = (observer, *watching) if first else (*watching, observer)


def remove(observer: Observer) -> None:
    global watching
    watching = tuple(known for known in watching if known is not observer)


@contextmanager
def around(of: Callable[[Observer], Context]) -> Iterator[None]:
    """Within the contexts of all observers. What the body raises goes through; what an observer raises does not."""
    with ExitStack() as stack:
        for observer in watching:
            _enter(stack, observer, of)
        yield


def began(told: "Sequence[Observer]", task: "IdempotentTask", job: "Job", request: dict[str, Any]) -> list[Ends]:
    """Tell of an attempt, without what a generator and a stack of contexts cost."""
    ends = []
    for observer in told:
        try:
            if (end := observer.running(task, job, request)) is not None:
                ends.append(end)
        except Exception:
            logger.exception(PASSED_OVER, type(observer).__name__, extra=log_events.OBSERVER_FAILED)
    return ends


def ended(ends: list[Ends], error: BaseException | None) -> None:
    """The last that was told when it began hears first when it ends."""
    while ends:
        try:
            ends.pop()(error)
        except Exception:
            logger.exception(PASSED_OVER, "the end of a job", extra=log_events.OBSERVER_FAILED)


def tell(what: Callable[[Observer], object]) -> None:
    for observer in watching:
        guarded(observer, partial(what, observer))


def guarded(observer: Observer, do: Callable[[], object]) -> None:
    try:
        do()
    except Exception:
        logger.exception(PASSED_OVER, type(observer).__name__, extra=log_events.OBSERVER_FAILED)


def _enter(stack: ExitStack, observer: Observer, of: Callable[[Observer], Any]) -> None:
    try:
        if (context := of(observer)) is not None:
            stack.enter_context(context)
    except Exception:
        logger.exception(PASSED_OVER, type(observer).__name__, extra=log_events.OBSERVER_FAILED)


def with_headers(options: "Options", headers: Mapping[str, str]) -> "Options":
    """The same options, headers added to those that the caller gave."""
    if not headers:
        return options
    canvas = dict(options.canvas or {})
    return replace(options, canvas=canvas | {"headers": {**(canvas.get("headers") or {}), **headers}})
