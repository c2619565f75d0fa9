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
from jobs.result import JobResult
from jobs.retry import RetryPolicy
from jobs.task import IdempotentTask, idempotent_task

__all__ = [
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
    "PermanentError",
    "QueueFull",
    "RateLimitedError",
    "RefusedError",
    "RetryPolicy",
    "StepChangedError",
    "StepInTransactionError",
    "TransientError",
    "UnknownOutcomeError",
    "UnknownQueueError",
    "idempotent_task",
    "in_chunks",
    "room_for",
]
