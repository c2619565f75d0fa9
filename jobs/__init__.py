"""Background jobs for Django that reach one outcome, however often they are delivered."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from idempotency.errors import (
        EnqueueBusy,
        EnqueueError,
        KeyConflict,
        KeyPartError,
        LeaseLost,
        PayloadError,
        PayloadTooLargeError,
    )
    from jobs.backpressure import in_chunks, room_for
    from jobs.enqueueing import Enqueued
    from jobs.errors import (
        JobFailedError,
        PermanentError,
        QueueFull,
        RateLimitedError,
        RefusedError,
        StepChangedError,
        StepInTransactionError,
        TransientError,
        UnknownOutcomeError,
        UnknownQueueError,
    )
    from jobs.metrics.calls import vendor_call
    from jobs.result import JobResult
    from jobs.retry import RetryPolicy
    from jobs.slots import take_slot
    from jobs.task import IdempotentTask, idempotent_task
    from jobs.verdicts import Classifier, Permanent, RateLimited, Refused, Transient, Unknown, Verdict

# Where each public name lives: loaded when first asked for, so that `python -m jobs.health` loads no Django.
HOMES = {
    "idempotency.errors": (
        "EnqueueBusy",
        "EnqueueError",
        "KeyConflict",
        "KeyPartError",
        "LeaseLost",
        "PayloadError",
        "PayloadTooLargeError",
    ),
    "jobs.backpressure": ("in_chunks", "room_for"),
    "jobs.enqueueing": ("Enqueued",),
    "jobs.errors": (
        "JobFailedError",
        "PermanentError",
        "QueueFull",
        "RateLimitedError",
        "RefusedError",
        "StepChangedError",
        "StepInTransactionError",
        "TransientError",
        "UnknownOutcomeError",
        "UnknownQueueError",
    ),
    "jobs.metrics.calls": ("vendor_call",),
    "jobs.result": ("JobResult",),
    "jobs.retry": ("RetryPolicy",),
    "jobs.slots": ("take_slot",),
    "jobs.task": ("IdempotentTask", "idempotent_task"),
    "jobs.verdicts": ("Classifier", "Permanent", "RateLimited", "Refused", "Transient", "Unknown", "Verdict"),
}


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        for home, names in HOMES.items():
            if name in names:
                return globals().setdefault(name, getattr(import_module(home), name))
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Classifier",
    "EnqueueBusy",
    "EnqueueError",
    "Enqueued",
    "IdempotentTask",
    "JobFailedError",
    "JobResult",
    "KeyConflict",
    "KeyPartError",
    "LeaseLost",
    "PayloadError",
    "PayloadTooLargeError",
    "Permanent",
    "PermanentError",
    "QueueFull",
    "RateLimited",
    "RateLimitedError",
    "Refused",
    "RefusedError",
    "RetryPolicy",
    "StepChangedError",
    "StepInTransactionError",
    "Transient",
    "TransientError",
    "Unknown",
    "UnknownOutcomeError",
    "UnknownQueueError",
    "Verdict",
    "idempotent_task",
    "in_chunks",
    "room_for",
    "take_slot",
    "vendor_call",
]
