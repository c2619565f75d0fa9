"""One attempt at Sentry: scopes of its own, so that nothing of one job is told with another, and spans where sampled.

Most jobs tell Sentry nothing, and forking its two scopes costs each of them more than all else that is done here. So
the jobs of a process share a pair that nobody has touched, which is: read or written, by a body, an integration or an
event. Whoever touches one of them makes it a fork of the scope around, with the job at work in it, and when that job
ends the pair is given up: the next job gets another. Sentry's looking for its client in them is no touch.
"""

import logging
import random
from collections.abc import Mapping
from copy import copy
from functools import partial
from threading import RLock
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.scope import Scope
from sentry_sdk.tracing_utils import has_tracing_enabled

from jobs import check_ins, conf, log_events, sentry_events
from jobs.context import Outcome
from jobs.observers import PASSED_OVER

if TYPE_CHECKING:
    from sentry_sdk.tracing import Transaction

    from jobs.context import Job
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

ORIGIN = "auto.queue.jobs"
NOT_SAMPLED, SAMPLED = "-0", "-1"  # the ends of Sentry's header
STATUS = {Outcome.SUCCEEDED: "ok", Outcome.GIVEN_UP: "internal_error"}
NOTHING: Mapping[str, str] = MappingProxyType({})

_touching = RLock()  # a body may have threads


class _JobScope(Scope):
    __slots__ = ("pair",)
    pair: "Pair"


class _Untouched(_JobScope):
    """Has its pair and a client, and none of a scope's other attributes: whoever asks for one makes it a scope."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        self._touch()
        return getattr(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._touch()
        setattr(self, name, value)

    def __copy__(self) -> Scope:
        self._touch()
        return copy(self)

    def _touch(self) -> None:
        """Never raises: it may be a body that wants to tell something."""
        with _touching:
            if type(self) is _JobScope:
                return
            try:
                _become(self, self._fork())
            except Exception:
                _become(self, Scope())
                logger.exception(PASSED_OVER, "a scope of Sentry", extra=log_events.OBSERVER_FAILED)

    def _fork(self) -> Scope:
        raise NotImplementedError


class _UntouchedIsolation(_Untouched):
    __slots__ = ()

    def _fork(self) -> Scope:
        return self.pair.fork_isolation()


class _UntouchedCurrent(_Untouched):
    __slots__ = ()

    def _fork(self) -> Scope:
        return self.pair.fork_current()


def _become(scope: Scope, fork: Scope) -> None:
    """An object that others hold already takes over all that a fork of a scope consists of."""
    for name in Scope.__slots__:
        object.__setattr__(scope, name, getattr(fork, name))
    object.__setattr__(scope, "__class__", _JobScope)


def here() -> "Pair | None":
    """The untouched one that this thread is in, if need be a new one around the scopes that it is in; None: no client.

    It is the job's alone as long as its threads end with it, or are seen by Sentry's integration for threads.
    """
    current = Scope.get_current_scope()
    if type(current) is _UntouchedCurrent:
        return current.pair
    if type(current) is _JobScope and (left := getattr(current, "pair", None)) is not None:
        left.give_up()  # touched between two jobs
    return Pair() if sentry_events.wanted() else None


class Pair:
    """An isolation scope and a current scope for job after job, until one of them is touched."""

    __slots__ = ("_around", "_continued", "_job", "_own", "_quiet", "_sampled", "_spans", "_task")
    _task: "IdempotentTask | None"
    _job: "Job | None"

    def __init__(self) -> None:
        self._task = self._job = None
        self._around = Scope.get_isolation_scope(), Scope.get_current_scope()
        self._own = self._untouched(_UntouchedIsolation, 0), self._untouched(_UntouchedCurrent, 1)
        _enter(self._own)

    def _untouched(self, kind: type[_Untouched], place: int) -> Scope:
        scope = object.__new__(kind)
        object.__setattr__(scope, "pair", self)
        object.__setattr__(scope, "client", self._around[place].client)
        return scope

    def give_up(self) -> None:
        _enter(self._around)
        self._own = self._around  # or it would be a circle, for the garbage collector

    # -- one attempt --------------------------------------------------------------------------------------------------

    def begin(self, task: "IdempotentTask", job: "Job", headers: Mapping[str, str]) -> None:
        """`headers`: those that the job's record carries."""
        self._task, self._job = task, job
        # A replay after three days must not make a trace of three days.
        self._continued = headers if job.claimed.attempt == 1 and not job.claimed.replay_count else NOTHING
        self._sampled = _sampled(self._continued)
        self._quiet = self._sampled is False and check_ins.HEADER not in headers
        self._spans: tuple[Any, ...] = ()
        if self._sampled is not False:
            self._start_spans(task, job)

    def end(self, error: BaseException | None) -> None:
        """Tell what there is to tell of it."""
        task, job = self._task, self._job
        if task is None or job is None:
            return
        try:
            if not self._quiet or job.outcome is Outcome.GIVEN_UP:
                _report(task, job, error)
            for span in reversed(self._spans):
                span.__exit__(None, None, None)
        finally:
            self._task = self._job = None
            if not self._is_untouched():
                self.give_up()

    def _is_untouched(self) -> bool:
        """Both still are, and are where they were: a body may have entered scopes of its own and not left them."""
        isolation, current = Scope.get_isolation_scope(), Scope.get_current_scope()
        untouched = type(isolation) is _UntouchedIsolation and type(current) is _UntouchedCurrent
        return untouched and self._own == (isolation, current)

    def _start_spans(self, task: "IdempotentTask", job: "Job") -> None:
        transaction = sentry_sdk.start_transaction(self._transaction(task))
        transaction.__enter__()
        self._spans = (transaction,)
        span = sentry_sdk.start_span(op="queue.process", name=task.name, origin=ORIGIN)
        span.__enter__()
        self._spans = (transaction, span)
        for name, value in _insights(job).items():
            span.set_data(name, value)

    # -- when a scope is touched --------------------------------------------------------------------------------------

    def fork_isolation(self) -> Scope:
        """Of the scope around, and told of the job at work; between two jobs, of none."""
        scope = self._around[0].fork()
        if self._task is not None and self._job is not None:
            scope.clear_breadcrumbs()
            scope.add_event_processor(partial(sentry_events.tell_of_job, self._task, self._job))
            scope.set_transaction_name(self._task.name, source="task")
            scope.generate_propagation_context(dict(self._continued))
        return scope

    def fork_current(self) -> Scope:
        scope = self._around[1].fork()
        if self._task is not None:
            scope.span = None  # what is around is the hint's, and leads to nobody
            if self._sampled is False and has_tracing_enabled(sentry_sdk.get_client().options):
                # It is never started: it says to whoever is called by the body that this trace is not sampled.
                scope.span = self._transaction(self._task)
        return scope

    def _transaction(self, task: "IdempotentTask") -> "Transaction":
        as_it_is: Any = None  # the isolation scope has continued the trace already
        transaction = Scope.get_isolation_scope().continue_trace(
            as_it_is, op="queue.task.celery", name=task.name, source="task", origin=ORIGIN
        )
        if self._sampled is not None:
            transaction.sampled = self._sampled
        return transaction


def _enter(scopes: tuple[Scope, Scope]) -> None:
    Scope.set_isolation_scope(scopes[0])
    Scope.set_current_scope(scopes[1])


def _report(task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
    if transaction := Scope.get_current_scope().transaction:
        transaction.set_status(STATUS.get(job.outcome or Outcome.LOST, "aborted"))
    check_ins.ended(job)
    if job.outcome is Outcome.GIVEN_UP and not isinstance(error, task.throws or ()):
        sentry_events.capture(task, job, error)


def _sampled(continued: Mapping[str, str]) -> bool | None:
    """Whether to trace it; None: let Sentry decide, where the project has a sampler. Drawing here costs a fiftieth."""
    if sent := continued.get("sentry-trace"):
        if sent.endswith(NOT_SAMPLED):
            return False
        if sent.endswith(SAMPLED):
            return True
    options = sentry_sdk.get_client().options
    if not has_tracing_enabled(options):
        return False
    if options.get("traces_sampler"):
        return None
    return random.random() < float(options.get("traces_sample_rate") or 0)  # noqa: S311 - no secret


def _insights(job: "Job") -> dict[str, Any]:
    """What Sentry's page of queues is made of."""
    claimed = job.claimed
    waited = claimed.lease_expires_at - conf.lease() - claimed.available_at  # both ends by the database's clock
    return {
        "messaging.system": sentry_events.SYSTEM,
        "messaging.destination.name": claimed.queue,
        "messaging.message.id": str(claimed.id),
        "messaging.message.receive.latency": max(0.0, waited.total_seconds() * 1000),
        "messaging.message.retry.count": claimed.attempt - 1,
    }
