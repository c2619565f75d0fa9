"""Running one job as Celery runs a task of its own: its tracer, its signals, the job's name and id."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from celery import current_app
from celery.app import trace

from idempotency.claims import Claimed
from idempotency.errors import LeaseLost
from jobs import conf, log_events, masking, observers
from jobs.claim import Claim
from jobs.context import Job
from jobs.metrics import by_task, measuring
from jobs.problems import describe, hide
from jobs.task import IdempotentTask
from jobs.worker import shared
from jobs.worker.attempt import settle_failure
from jobs.worker.events import JobEvents
from jobs.worker.ready import SHOWN, Ready
from jobs.worker.short_way import ShortWay
from jobs.worker.watch import Watch

logger = logging.getLogger(__name__)

ENDS = {"RETRY": "retried", "FAILURE": "given_up"}  # Celery's word → OpenTelemetry's error.type


class JobTracer:
    """Of one worker process."""

    def __init__(self, events: JobEvents) -> None:
        self._events = events
        self._short = ShortWay()
        self._watch: Watch | None = None
        self._ended: list[tuple[Claimed, float, str]] = []  # with seconds, and why it did not succeed

    def follow(self, batch: Sequence[Claimed]) -> None:
        """A claim's jobs come next; `leave` when they have ended."""
        self._watch = Watch(Claim.of(batch)) if observers.watching else None
        self._short.follow()

    def leave(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.leave()

    def run(self, ready: Ready, *, long: bool) -> None:
        """Run the job and settle it; `long`: whoever watches wants to see it while it runs."""
        ready.job.started = time.time()
        if long:
            self._events.started(ready)
            self._events.flush()
        shared.take_in_hand(ready.mark, time.monotonic())
        if ready.kind.sensitive:
            with masking.AtWork(ready.claimed.id, ready.kind.task.secrets(ready.claimed.payload)):
                self._watched(ready)
        elif self._watch is not None:
            self._watched(ready)
        else:
            self._trace(ready)
        shared.put_down()

    def _watched(self, ready: Ready) -> None:
        if self._watch is not None:
            self._watch.run(ready.kind.task, ready.job, ready.request, lambda *_: self._trace(ready))
        else:
            self._trace(ready)

    def _trace(self, ready: Ready) -> BaseException | None:
        """Returns the error that it ended with."""
        began = time.monotonic()
        ended = self._short.go(ready, began) if self._short.is_open(ready.kind.task) else None
        if ended is None:
            return self._trace_as_celery(ready, began)
        took, shown = ended
        self._succeeded(ready, took, shown, took)
        return None

    def _trace_as_celery(self, ready: Ready, began: float) -> BaseException | None:
        task, job = ready.kind.task, ready.job
        tracer = getattr(task, "__trace__", None) or trace.build_tracer(task.name, task, app=current_app)
        _, info, run_time, shown = tracer(ready.id, [], dict(ready.claimed.payload), ready.request)
        self._short.follow()
        if not job.settled:
            _settle_unentered(task, job, info)
        took = time.monotonic() - began
        if info is None:
            self._succeeded(ready, took, str(shown), run_time or 0.0)
            return None
        if (kind := ENDS.get(info.state)) is not None:  # else it lost its job: no attempt
            self._ended.append((ready.claimed, took, kind))
        ready.kind.took(took)
        self._events.failed(ready, _shown(task, job, info.retval), took, retried=info.state == "RETRY")
        return info.retval if isinstance(info.retval, BaseException) else None

    def _succeeded(self, ready: Ready, took: float, shown: str, run_time: float) -> None:
        shown = masking.masked(shown) if ready.kind.sensitive and shown != "None" else shown
        self._ended.append((ready.claimed, took, ""))
        ready.kind.took(took)
        self._events.succeeded(ready, shown, run_time)

    def measure(self) -> None:
        """Count how long each had been due when it was claimed, and ran. At once: between bodies all code is cold."""
        ended, self._ended = self._ended, []
        lease = conf.lease().total_seconds()
        alike: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
        for claimed, took, kind in ended:
            waited = (claimed.lease_expires_at - claimed.available_at).total_seconds() - lease
            alike.setdefault((claimed.queue, claimed.task, kind), []).append((waited, took))
        for (queue, task, kind), jobs in alike.items():
            waits, runs = zip(*jobs, strict=True)
            measuring.here.observe_all("jobs_queue_wait_seconds", waits, queue)
            measuring.here.observe_all("messaging_process_duration_seconds", runs, queue, kind)
            measuring.here.observe_all(by_task.SECONDS, runs, by_task.label(task), kind or "succeeded")


def _settle_unentered(task: IdempotentTask, job: Job, info: Any) -> None:
    """The body was never reached: a `before_start` or a signal of the application failed."""
    error = info.retval if info is not None and isinstance(info.retval, Exception) else None
    error = error or RuntimeError("the tracer ended without running the body")
    problem = describe(error, datetime.now(UTC), task.secrets(job.claimed.payload))
    try:
        settle_failure(task, job, error, problem)
    except LeaseLost as lost:
        logger.warning("%s", lost, extra=log_events.JOB_LOST)


def _shown(task: IdempotentTask, job: Job, error: Any) -> str:
    """The error for Flower: as it is kept, so that no sensitive value shows."""
    if job.problem:
        return job.problem.summary[:SHOWN]
    try:
        return hide(repr(error), task.secrets(job.claimed.payload))[:SHOWN]
    except Exception:  # noqa: BLE001 - an error that cannot be printed is shown by its class
        return type(error).__name__
