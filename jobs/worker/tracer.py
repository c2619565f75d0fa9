"""Running one job as Celery runs a task of its own: its tracer, its signals, the job's name and id."""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from celery import current_app
from celery.app import trace
from celery.utils.saferepr import saferepr

from idempotency.claims import Claimed
from idempotency.errors import LeaseLost
from jobs import conf, log_events, masking, observers
from jobs.claim import Claim
from jobs.context import Job
from jobs.metrics import by_task, measuring
from jobs.problems import describe, hide
from jobs.task import IdempotentTask
from jobs.worker import shared, short_way
from jobs.worker.attempt import settle_failure
from jobs.worker.events import JobEvents
from jobs.worker.settle import Settler
from jobs.worker.watch import Watch

logger = logging.getLogger(__name__)

ENDS = {"RETRY": "retried", "FAILURE": "given_up"}  # Celery's word → OpenTelemetry's error.type
SHOWN = 1024  # characters of arguments and errors


class JobTracer:
    """Of one worker process."""

    def __init__(self, hostname: str, settler: Settler, events: JobEvents) -> None:
        self._hostname, self._settler, self._events = hostname, settler, events
        self._short = short_way.ShortWay()
        self._watch: Watch | None = None
        self._ended: list[tuple[Claimed, float, str]] = []  # with seconds, and why it did not succeed

    def follow(self, batch: Sequence[Claimed]) -> None:
        """A claim's jobs come next; `leave` when they have ended."""
        self._watch = Watch(Claim.of(batch)) if observers.watching else None

    def leave(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.leave()

    def run(self, task: IdempotentTask, claimed: Claimed, *, long: bool) -> None:
        """Run the job and settle it; `long`: whoever watches wants to see it while it runs."""
        job, id_ = Job(claimed, self._settler), str(claimed.id)
        arguments = _repr(task.redacted(claimed.payload))
        self._events.started(claimed, id_, arguments)
        if long:
            self._events.flush()
        request = _request(task, job, id_, arguments, self._hostname)
        shared.take_in_hand(claimed.id)
        if task.sensitive:
            with masking.AtWork(claimed.id, task.secrets(claimed.payload)):
                self._watched(task, job, request)
        else:
            self._watched(task, job, request)
        shared.put_down()

    def _watched(self, task: IdempotentTask, job: Job, request: dict[str, Any]) -> None:
        if self._watch is not None:
            self._watch.run(task, job, request, self._trace)
        else:
            self._trace(task, job, request)

    def _trace(self, task: IdempotentTask, job: Job, request: dict[str, Any]) -> BaseException | None:
        """Returns the error that it ended with."""
        began, info = time.monotonic(), None
        ended = short_way.go(task, job, request) if self._short.is_open(task) else None
        if ended is None:
            tracer = getattr(task, "__trace__", None) or trace.build_tracer(task.name, task, app=current_app)
            _, info, run_time, shown = tracer(request["id"], [], dict(job.claimed.payload), request)
            ended = run_time or 0.0, str(shown)
        if not job.settled:
            _settle_unentered(task, job, info)
        took = time.monotonic() - began
        if (kind := "" if info is None else ENDS.get(info.state)) is not None:  # else it lost its job: no attempt
            self._ended.append((job.claimed, took, kind))
        if info is None:
            run_time, shown = ended
            shown = masking.masked(shown) if task.sensitive and shown != "None" else shown
            self._events.succeeded(request["id"], shown, run_time)
        else:
            self._events.failed(request["id"], _shown(task, job, info.retval), took, retried=info.state == "RETRY")
        return info.retval if info is not None and isinstance(info.retval, BaseException) else None

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


def _request(task: IdempotentTask, job: Job, id_: str, arguments: str, hostname: str) -> dict[str, Any]:
    """What `self.request` shows of a job. A third of what Celery sends with a message: each key costs."""
    canvas = job.claimed.options or {}
    return {
        "id": id_,
        "task": task.name,
        "job": job,
        "argsrepr": "()",
        "kwargsrepr": arguments,
        "retries": job.claimed.attempt - 1,
        "root_id": canvas.get("root_id") or id_,
        "parent_id": canvas.get("parent_id"),
        "group": canvas.get("group_id"),
        "errbacks": canvas.get("link_error"),
        "delivery_info": {"exchange": "", "routing_key": job.claimed.queue, "redelivered": False},
        "headers": dict(canvas.get("headers") or ()),  # other jobs may share them
        "ignore_result": True,
        "called_directly": False,
        "args": [],
        "kwargs": dict(job.claimed.payload),
        "hostname": hostname,
    }


def _repr(arguments: dict[str, Any]) -> str:
    """As Celery shows arguments; its own way of cutting them costs ten times a plain repr."""
    text = repr(arguments)
    return text if len(text) <= SHOWN else str(saferepr(arguments, SHOWN))


def _shown(task: IdempotentTask, job: Job, error: Any) -> str:
    """The error for Flower: as it is kept, so that no sensitive value shows."""
    if job.problem:
        return job.problem.summary[:SHOWN]
    try:
        return hide(repr(error), task.secrets(job.claimed.payload))[:SHOWN]
    except Exception:  # noqa: BLE001 - an error that cannot be printed is shown by its class
        return type(error).__name__
