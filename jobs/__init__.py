"""Background jobs for Django that reach one outcome, however often they are delivered."""

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
