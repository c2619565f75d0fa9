"""After a transient error: when the job comes again, or why it does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from celery.exceptions import Retry

from idempotency import reads
from idempotency.claims import Problem
from idempotency.states import Reason, State

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

LONGEST_DELAY = timedelta(days=366)  # of a retry that a body asks for: more is a mistake in the arithmetic


def retry(task: "IdempotentTask", job: "Job", error: Exception, problem: Problem) -> timedelta | None:
    """Queue the job again, or dead-letter it; returns after which delay it comes, None where it is given up."""
    cause = error.exc if isinstance(error, Retry) and error.exc else error
    asked = _asked_delay(error)
    delay = task.retry_policy.on(cause).delay(job.attempt, seed=job.id) if asked is None else asked
    ends = None if job.attempt >= job.max_attempts else _why_not(task, job, cause, delay)
    if ends is None:
        return delay if job.settler.retry(job, delay, problem) == State.QUEUED else None
    job.problem = replace(problem, message=f"given up, since {ends}: {problem.message}")
    reason = Reason.UNKNOWN_OUTCOME if job.in_doubt else Reason.ATTEMPTS_EXHAUSTED
    job.settler.dead_letter(job, reason, job.problem)
    return None


def _why_not(task: "IdempotentTask", job: "Job", cause: BaseException, delay: timedelta) -> str | None:
    policy = task.retry_policy
    waited = timedelta(0)
    if policy.on(cause).deadline is not None and not job.claimed.replay_count:  # who replays it wants it however late
        waited = job.settler.own.insist(reads.now) - job.claimed.created_at + delay
    return policy.why_not_again(job.attempt, error=cause, waited=waited)


def _asked_delay(error: Exception) -> timedelta | None:
    """`self.retry(countdown=…)` names its own delay."""
    when: Any = error.when if isinstance(error, Retry) else None
    try:
        asked = when - datetime.now(UTC) if isinstance(when, datetime) else timedelta(seconds=when)
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(asked, timedelta(0)), LONGEST_DELAY)
