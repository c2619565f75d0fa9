"""What an attempt that failed tells of its vendor: that it wants to be left alone, is in trouble, or is well."""

from datetime import timedelta
from typing import TYPE_CHECKING

from idempotency.states import PauseKind
from jobs import vendors
from jobs.answers import by_answer
from jobs.errors import QueueFull
from jobs.metrics.measuring import here
from jobs.verdicts import Permanent, Transient, Verdict

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

SHOWN = 500  # characters of an error as the reason of a pause


def wait(task: "IdempotentTask", job: "Job", error: Exception, kind: PauseKind, duration: timedelta) -> timedelta:
    """Pause the vendor's queue for everybody and give the job's attempt back; returns after which delay it comes.

    A job that found another queue full waits alone: its vendor has said nothing.
    """
    if task.vendor and not isinstance(error, QueueFull):
        job.settler.pause(job, task.vendor, kind, duration, _shown(job))
        if kind is PauseKind.RATE_LIMIT:
            here.observe("jobs_vendor_retry_after_seconds", duration.total_seconds(), task.vendor)
        job.settler.give_back(job, timedelta(0), job.problem)  # the pause holds it back, until it ends or is ended
    else:
        job.settler.give_back(job, duration, job.problem)
    return duration


def tell(task: "IdempotentTask", job: "Job", error: Exception, verdict: Verdict) -> None:
    """Count a failure of the vendor, or end its trouble: a refusal is an answer too."""
    match verdict:
        case Transient(by_vendor=True) if task.vendor:
            circuit = vendors.declared(task.vendor).circuit
            job.settler.vendor_failed(job, task.vendor, circuit, _shown(job))
        case Permanent() if task.vendor and by_answer(error):
            job.settler.vendor_answered(job)


def _shown(job: "Job") -> str:
    return job.problem.summary[:SHOWN] if job.problem else ""
