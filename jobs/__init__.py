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
from jobs.enqueueing import Enqueued
from jobs.errors import (
    JobFailedError,
    PermanentError,
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
from jobs.slots import take_slot
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
    "RateLimitedError",
    "RefusedError",
    "RetryPolicy",
    "StepChangedError",
    "StepInTransactionError",
    "TransientError",
    "UnknownOutcomeError",
    "UnknownQueueError",
    "idempotent_task",
    "take_slot",
]
