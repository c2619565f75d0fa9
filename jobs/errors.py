"""What a task may raise to say how its attempt ended, and what a caller may be told."""

from datetime import datetime, timedelta

from idempotency.errors import EnqueueError


class UnknownQueueError(EnqueueError):
    """The queue is not declared in `JOBS_QUEUES`."""


class QueueFull(EnqueueError):  # noqa: N818 - the public word for it
    """The queue holds as many jobs as its bound allows. Nothing was written, and the transaction lives.

    Attributes:
        queue: its name.
        bound: jobs that may wait in it: `JOBS_QUEUES[queue]["bound"]`.
        backlog: jobs that wait in it, counted up to a tenth beyond the bound.
        asked: new jobs that were refused.
        retry_after: seconds in which there should be room; None where so many jobs never fit.
    """

    def __init__(self, queue: str, bound: int, backlog: int, asked: int, retry_after: int | None) -> None:
        super().__init__(queue, bound, backlog, asked, retry_after)  # all of them, so that it can be pickled
        self.queue, self.bound, self.backlog = queue, bound, backlog
        self.asked, self.retry_after = asked, retry_after

    def __str__(self) -> str:
        setting = f"JOBS_QUEUES[{self.queue!r}]['bound']"
        if self.retry_after is None:
            return (
                f"{self.asked:,} jobs at once never fit into queue {self.queue}, which holds at most {self.bound:,}. "
                f"Enqueue them in chunks (jobs.in_chunks), or raise {setting}."
            )
        return (
            f"Queue {self.queue} holds {self.backlog:,} of at most {self.bound:,} jobs, {self.asked:,} more are "
            f"refused; there should be room in {self.retry_after} s. Wait for it (jobs.in_chunks), raise {setting}, "
            "or declare 'when_full': 'hold'."
        )

    @property
    def wait(self) -> timedelta | None:
        """`retry_after` as a span."""
        return None if self.retry_after is None else timedelta(seconds=self.retry_after)

    @property
    def numbers(self) -> dict[str, str | int | None]:
        """What a program wants to know, as JSON."""
        return {
            "queue": self.queue,
            "bound": self.bound,
            "backlog": self.backlog,
            "asked": self.asked,
            "retry_after": self.retry_after,
        }


class TransientError(Exception):
    """It may work next time: retried after a backoff, dead-lettered when the attempts are used up.

    Args:
        by_vendor: whether it is the other side's trouble, which may open a vendor's circuit. A subclass for something
            of your own, such as a busy lock, says `by_vendor = False`.
    """

    by_vendor: bool = True

    def __init__(self, *args: object, by_vendor: bool | None = None) -> None:
        super().__init__(*args)
        if by_vendor is not None:
            self.by_vendor = by_vendor


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
