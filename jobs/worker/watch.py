"""How observers watch the jobs of one claim: most jobs tell nobody anything, and are to cost next to nothing."""

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jobs import log_events, observers
from jobs.claim import Claim
from jobs.context import Outcome
from jobs.observers import PASSED_OVER, Along, Observer

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

Trace = Callable[["IdempotentTask", "Job", dict[str, Any]], BaseException | None]


class Watch:
    """From the claim to the end of its last job: whom to tell of which job, and what to mend between two of them."""

    def __init__(self, claim: Claim) -> None:
        self._alongs: list[tuple[Observer, Along]] = []
        self._told: dict[int, list[Observer]] = {}  # of a job's number
        for observer in observers.watching:
            along = _along(observer, claim)
            for number in [claimed.number for claimed in claim] if along is None else along.told:
                self._told.setdefault(number, []).append(observer)
            if along is not None:
                self._alongs.append((observer, along))
        self._mends = [along.mend for _, along in self._alongs]

    def run(self, task: "IdempotentTask", job: "Job", request: dict[str, Any], trace: Trace) -> None:
        """Let the job be run by `trace`, which returns the error that it ended with."""
        error: BaseException | None = None
        observers.at_work = task, job
        told = self._told.get(job.claimed.number)
        ends = observers.began(told, task, job, request) if told else None
        try:
            error = trace(task, job, request)
        finally:
            if job.outcome is not Outcome.SUCCEEDED:
                self._tell_of_failure(told or (), task, job, error)
            if ends:
                observers.ended(ends, error)
            observers.at_work = None
            try:
                for mend in self._mends:
                    mend()
            except Exception:
                logger.exception(PASSED_OVER, "the end of a job", extra=log_events.OBSERVER_FAILED)

    def _tell_of_failure(
        self, told: Sequence[Observer], task: "IdempotentTask", job: "Job", error: BaseException | None
    ) -> None:
        """Those who were not told when it began: the others hear of its end as of each."""
        for observer, along in self._alongs:
            if observer not in told:
                observers.guarded(observer, lambda along=along: along.failed(task, job, error))  # type: ignore[misc]

    def leave(self) -> None:
        """The last that came along goes first."""
        while self._alongs:
            observer, along = self._alongs.pop()
            observers.guarded(observer, along.leave)


def _along(observer: Observer, claim: Claim) -> Along | None:
    found: list[Along | None] = []
    observers.guarded(observer, lambda: found.append(observer.along(claim)))
    return found[0] if found else None
