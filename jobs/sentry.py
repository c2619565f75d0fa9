"""Sentry: one issue per task, error class and vendor, when a job is given up, and not at each retry.

    import sentry_sdk
    from jobs.sentry import JobsIntegration

    sentry_sdk.init(dsn=…, integrations=[JobsIntegration()], traces_sample_rate=0.01)

Sentry's own integration for Celery goes on with all other tasks; jobs are this one's, so that none is reported twice.
"""

import random
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import cache, partial
from inspect import unwrap
from types import TracebackType
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.logging import ignore_logger
from sentry_sdk.scope import add_global_event_processor
from sentry_sdk.tracing_utils import has_tracing_enabled
from sentry_sdk.utils import event_from_exception

from jobs import check_ins, conf, masking, observers
from jobs.context import Outcome
from jobs.observers import Context, Death, Enqueuing, Observer

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

ORIGIN = "auto.queue.jobs"
MECHANISM = "jobs"
SYSTEM = "postgresql"
HINT = "jobs.hint"
# They log what is captured here with its job: that a process died, and that a hint's task failed with it.
SILENCED = ("celery.worker.request", "celery.concurrency.asynpool", "multiprocessing")
STATUS = {Outcome.SUCCEEDED: "ok", Outcome.GIVEN_UP: "internal_error"}


class JobsIntegration(Integration):
    """`local_variables`: send those of the frames of an error; they may hold any value of a payload."""

    identifier = "jobs"

    def __init__(self, *, local_variables: bool = False) -> None:
        self.local_variables = local_variables

    @staticmethod
    def setup_once() -> None:
        observers.add(Reports())
        for logger in SILENCED:
            ignore_logger(logger)
        add_global_event_processor(_scrub)


class Reports(Observer):
    def ticking(self, schedule: str, nominal: datetime, times: Mapping[str, Any]) -> Context:  # noqa: ARG002 - as asked
        return check_ins.ticking(schedule, times) if _active() else None

    def missed(self, schedule: str, times: Mapping[str, Any]) -> None:
        if _active():
            check_ins.missed(schedule, times)

    def enqueuing(self, enqueuing: Enqueuing) -> Context:
        return _publishing(enqueuing) if _active() else None

    def running(self, task: "IdempotentTask", job: "Job", request: dict[str, Any]) -> Context:
        return _Attempt(task, job, request) if _active() else None

    def ended(self, task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
        scope = sentry_sdk.get_current_scope()
        if scope.span is None and job.outcome is Outcome.SUCCEEDED and not check_ins.told(job):
            return  # most jobs
        if not _active():
            return
        if scope.transaction:
            scope.transaction.set_status(STATUS.get(job.outcome or Outcome.LOST, "aborted"))
        check_ins.ended(job)
        if job.outcome is Outcome.GIVEN_UP and not isinstance(error, task.throws or ()):
            _capture(task, job, error)

    def died(self, death: Death) -> None:
        if _active():
            sentry_sdk.capture_event(_death(death))

    def flush(self) -> None:
        if _active():
            sentry_sdk.flush(2.0)


def _active() -> bool:
    return sentry_sdk.get_client().get_integration(JobsIntegration) is not None


# -- enqueue ----------------------------------------------------------------------------------------------------------


@contextmanager
def _publishing(enqueuing: Enqueuing) -> Iterator[None]:
    with sentry_sdk.start_span(op="queue.publish", name=enqueuing.task.name, origin=ORIGIN) as span:
        headers = dict(sentry_sdk.get_isolation_scope().iter_trace_propagation_headers(span=span))
        if not headers.get("sentry-trace", "").endswith("-1"):
            headers.pop("baggage", None)  # two hundred bytes in each record, of use only where the caller is sampled
        enqueuing.headers.update(headers)
        with check_ins.of_tick(enqueuing):
            yield
        span.set_data("messaging.system", SYSTEM)
        span.set_data("messaging.destination.name", enqueuing.queue)
        if len(enqueuing.answers) == 1:
            span.set_data("messaging.message.id", str(enqueuing.answers[0].id))


# -- one attempt ------------------------------------------------------------------------------------------------------


class _Attempt:
    """A scope of its own, so that nothing of one job is told with the next, and where it is sampled a transaction."""

    __slots__ = ("_job", "_request", "_scope", "_stack", "_task")

    def __init__(self, task: "IdempotentTask", job: "Job", request: dict[str, Any]) -> None:
        self._task, self._job, self._request = task, job, request
        self._scope = sentry_sdk.isolation_scope()
        self._stack: ExitStack | None = None

    def __enter__(self) -> None:
        _take_over(self._task)
        scope = self._scope.__enter__()
        scope.clear_breadcrumbs()
        scope.add_event_processor(partial(_tell_of_job, self._task, self._job))
        headers = self._request["headers"] or {}
        if (sampled := _sampled(self._job, headers)) is not False:
            self._stack = _traced(self._task, self._job, headers, sampled=sampled)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stack:
            self._stack.__exit__(kind, error, trace)
        self._scope.__exit__(kind, error, trace)


def _traced(task: "IdempotentTask", job: "Job", headers: dict[str, str], *, sampled: bool | None) -> ExitStack:
    stack = ExitStack()
    transaction = sentry_sdk.continue_trace(
        _continued(job, headers), op="queue.task.celery", name=task.name, source="task", origin=ORIGIN
    )
    if sampled is not None:
        transaction.sampled = sampled
    stack.enter_context(sentry_sdk.start_transaction(transaction))
    span = stack.enter_context(sentry_sdk.start_span(op="queue.process", name=task.name, origin=ORIGIN))
    for name, value in _insights(job).items():
        span.set_data(name, value)
    return stack


def _insights(job: "Job") -> dict[str, Any]:
    """What Sentry's page of queues is made of."""
    claimed = job.claimed
    waited = claimed.lease_expires_at - conf.lease() - claimed.available_at  # both ends by the database's clock
    return {
        "messaging.system": SYSTEM,
        "messaging.destination.name": claimed.queue,
        "messaging.message.id": str(claimed.id),
        "messaging.message.receive.latency": max(0.0, waited.total_seconds() * 1000),
        "messaging.message.retry.count": claimed.attempt - 1,
    }


def _is_first(job: "Job") -> bool:
    return job.attempt == 1 and not job.claimed.replay_count


def _continued(job: "Job", headers: dict[str, str]) -> dict[str, str]:
    """The caller's trace for the first attempt; a replay after three days must not make a trace of three days."""
    return headers if _is_first(job) else {}


def _sampled(job: "Job", headers: dict[str, str]) -> bool | None:
    """Whether to trace it; None: let Sentry decide, where the project has a sampler. Drawing here costs a fiftieth."""
    if (sent := headers.get("sentry-trace")) and _is_first(job):
        if sent.endswith("-0"):
            return False
        if sent.endswith("-1"):
            return True
    options = sentry_sdk.get_client().options
    if not has_tracing_enabled(options):
        return False
    if options.get("traces_sampler"):
        return None
    return random.random() < float(options.get("traces_sample_rate") or 0)  # noqa: S311 - no secret


@cache
def _take_over(task: "IdempotentTask") -> None:
    """Undo what the integration for Celery has put around this task, or the job would be reported twice.

    It also makes a connection to the broker for each task, to read its kind: ten times what the rest of a job costs.
    """
    if (tracer := getattr(task, "__trace__", None)) is not None:
        task.__trace__ = unwrap(tracer)
    called = type(task).__dict__.get("__call__")
    if called is not None and hasattr(called, "__wrapped__"):
        type(task).__call__ = called.__wrapped__  # type: ignore[method-assign]


# -- events -----------------------------------------------------------------------------------------------------------


def _capture(task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
    options, mechanism = sentry_sdk.get_client().options, {"type": MECHANISM, "handled": False}
    if error is not None:
        event, hint = event_from_exception(error, client_options=options, mechanism=mechanism)
    else:
        event, hint = {"message": job.problem.summary if job.problem else "given up"}, {}
    kind = job.problem.error_class if job.problem else type(error).__name__
    event["level"], event["fingerprint"] = "error", [task.name, kind, task.vendor or "no vendor"]
    sentry_sdk.capture_event(event, hint=hint)


def _tell_of_job(task: "IdempotentTask", job: "Job", event: Any, _hint: Any) -> Any:
    claimed = job.claimed
    tags = _tags(task.name, claimed.queue, task.vendor, claimed.attempt, claimed.key)
    event["tags"] = dict(event.get("tags") or {}) | tags | {"celery_task_id": str(claimed.id)}
    extra = event.setdefault("extra", {})
    extra["celery-job"] = {"task_name": task.name, "args": [], "kwargs": task.redacted(claimed.payload)}
    integration = sentry_sdk.get_client().get_integration(JobsIntegration)
    if not (integration and integration.local_variables):
        for error in (event.get("exception") or {}).get("values") or ():
            for frame in (error.get("stacktrace") or {}).get("frames") or ():
                frame.pop("vars", None)
    return event


def _tags(task: str, queue: str, vendor: str | None, attempt: int, key: Any) -> dict[str, str]:
    tags = {"task": task, "queue": queue, "vendor": vendor or "no vendor", "attempt": str(attempt)}
    return tags | ({"key": str(key)} if key else {})


def _death(death: Death) -> Any:
    tags = _tags(death.task, death.queue, death.vendor, death.attempt, death.key)
    mechanism = {"type": MECHANISM, "handled": False}
    return {
        "level": "error",
        "timestamp": time.time(),
        "fingerprint": [death.task, death.kind, death.vendor or "no vendor"],
        "transaction": death.task,
        "tags": tags | {"celery_task_id": str(death.id)},
        "exception": {"values": [{"type": death.kind, "value": death.sentence, "mechanism": mechanism}]},
    }


def _scrub(event: Any, _hint: Any) -> Any:
    """Of every event of this process: no hints, which are no jobs, and no secrets of a job at work."""
    if event.get("type") == "transaction":
        if event.get("transaction") == HINT:
            return None
        event["spans"] = [span for span in event.get("spans") or () if span.get("description") != HINT]
    hidden = masking.secrets()
    return masking.masked(event, hidden) if hidden else event
