"""Celery's spelling of what one call may say beyond its parameters."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from idempotency.errors import EnqueueError
from jobs import canvas
from jobs.options import Options

# How a message travels and is shown: accepted and of no use, since no message carries a job.
HARMLESS = frozenset({"retry", "retry_policy", "ignore_result", "serializer", "add_to_parent", "producer",
                      "connection", "shadow", "argsrepr", "kwargsrepr", "replaced_task_nesting", "time_limit",
                      "soft_time_limit", "compression", "delivery_mode", "reply_to"})  # fmt: skip


def options_from(task: str, task_id: str | None, options: Mapping[str, Any]) -> Options:
    """What `apply_async(…, **options)` asks of task `task`.

    Raises:
        EnqueueError: an option that a record cannot honour.
    """
    given = {k: v for k, v in options.items() if v is not None and k not in HARMLESS}
    if given.pop("chord", None):
        raise EnqueueError(f"{task}: a chord needs a result backend, which records replace. Enqueue the last job in "
                           "the `commit` of the others.")  # fmt: skip
    priority = given.pop("priority", None)
    countdown, run_after, queue = given.pop("countdown", 0), given.pop("eta", None), given.pop("queue", None)
    behind = canvas.taken_from(given)
    given = {k: v for k, v in given.items() if k not in canvas.KEPT and v not in ({}, [], ())}
    if given:
        raise EnqueueError(f"{task}: apply_async cannot honour {', '.join(sorted(given))}. Leave it out.")
    return Options(
        queue=getattr(queue, "name", queue),
        run_after=run_after,
        delay=_seconds(task, countdown),
        priority=priority,
        id=_id(task, task_id) if task_id else None,
        canvas=behind,
    )


def _seconds(task: str, countdown: Any) -> timedelta:
    try:
        return timedelta(seconds=countdown)
    except (TypeError, ValueError, OverflowError):
        raise EnqueueError(f"{task}: countdown is {countdown!r}; it must be a number of seconds.") from None


def _id(task: str, task_id: str) -> UUID:
    try:
        return UUID(task_id)
    except ValueError:
        raise EnqueueError(f"{task}: task_id is {task_id!r}; a record's id is a UUID. Leave it out.") from None
