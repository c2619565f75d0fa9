"""What Sentry is told of jobs: an issue for each task, error class and vendor, and never a secret."""

import time
from typing import TYPE_CHECKING, Any

import sentry_sdk
from sentry_sdk.utils import event_from_exception

from jobs import hints, masking
from jobs.observers import Death

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

INTEGRATION = "jobs"  # its name at Sentry
MECHANISM = {"type": "jobs", "handled": False}
SYSTEM = "postgresql"


def wanted() -> bool:
    """Whether there is a client, and it has the integration."""
    return sentry_sdk.get_client().get_integration(INTEGRATION) is not None


def capture(task: "IdempotentTask", job: "Job", error: BaseException | None) -> None:
    options = sentry_sdk.get_client().options
    if error is not None:
        event, hint = event_from_exception(error, client_options=options, mechanism=MECHANISM)
    else:
        event, hint = {"message": job.problem.summary if job.problem else "given up"}, {}
    kind = job.problem.error_class if job.problem else type(error).__name__
    event["level"], event["fingerprint"] = "error", [task.name, kind, task.vendor or "no vendor"]
    sentry_sdk.capture_event(event, hint=hint)


def tell_of_job(task: "IdempotentTask", job: "Job", event: Any, _hint: Any) -> Any:
    claimed = job.claimed
    tags = _tags(task.name, claimed.queue, task.vendor, claimed.attempt, claimed.key)
    event["tags"] = dict(event.get("tags") or {}) | tags | {"celery_task_id": str(claimed.id)}
    extra = event.setdefault("extra", {})
    extra["celery-job"] = {"task_name": task.name, "args": [], "kwargs": task.redacted(claimed.payload)}
    integration: Any = sentry_sdk.get_client().get_integration(INTEGRATION)
    if not (integration and integration.local_variables):
        for error in (event.get("exception") or {}).get("values") or ():
            for frame in (error.get("stacktrace") or {}).get("frames") or ():
                frame.pop("vars", None)
    return event


def tell_of_death(death: Death) -> None:
    tags = _tags(death.task, death.queue, death.vendor, death.attempt, death.key)
    event: Any = {
        "level": "error",
        "timestamp": time.time(),
        "fingerprint": [death.task, death.kind, death.vendor or "no vendor"],
        "transaction": death.task,
        "tags": tags | {"celery_task_id": str(death.id)},
        "exception": {"values": [{"type": death.kind, "value": death.sentence, "mechanism": MECHANISM}]},
    }
    sentry_sdk.capture_event(event)


def _tags(task: str, queue: str, vendor: str | None, attempt: int, key: Any) -> dict[str, str]:
    tags = {"task": task, "queue": queue, "vendor": vendor or "no vendor", "attempt": str(attempt)}
    return tags | ({"key": str(key)} if key else {})


def scrub(event: Any, _hint: Any) -> Any:
    """Of every event of this process: no hints, which are no jobs, and no secrets of a job at work."""
    if event.get("type") == "transaction":
        if event.get("transaction") == hints.TASK:
            return None
        event["spans"] = [span for span in event.get("spans") or () if span.get("description") != hints.TASK]
    hidden = masking.secrets()
    return masking.masked(event, hidden) if hidden else event
