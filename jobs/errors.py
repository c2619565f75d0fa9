"""What a task may raise to say how its attempt ended, and what a caller may be told."""

from datetime import datetime, timedelta

from idempotency.errors import EnqueueError


class UnknownQueueError(EnqueueError):
    """The queue is not declared in `JOBS_QUEUES`."""


class TransientError(Exception):
    """It may work next time: retried after a backoff, dead-lettered when the attempts are used up."""


class RateLimitedError(Exception):
    """The vendor wants us to wait: its queue pauses for everybody and the attempt is given back.

    Args:
        retry_after: a span, an aware moment, or None for the task's own backoff.
    """

    def __init__(self, message: str = "", *, retry_after: timedelta | datetime | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PermanentError(Exception):
    """No retry can help: `failed_permanent` after this attempt."""


class RefusedError(Exception):
    """The vendor refuses our credentials: not this job's fault. Its queue pauses and the attempt is given back."""


class UnknownOutcomeError(Exception):
    """The outside effect may have happened, and nobody here can tell: dead-lettered at once, for a person to look.

    Raise it in `already_done` where the vendor's answer does not decide, or in `run`.
    """


class StepChangedError(PermanentError):
    """A step was asked for again with other arguments; its kept result belongs to the old ones."""


class StepInTransactionError(PermanentError):
    """A step or checkpoint was taken inside a transaction that may still roll back."""


class JobFailedError(Exception):
    """Raised by `JobResult.get`: the job was given up. Carries the record's state, reason and error."""
