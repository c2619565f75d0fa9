"""What an attempt that failed tells of its vendor: that it wants to be left alone, is in trouble, or is well."""

from datetime import timedelta
from typing import TYPE_CHECKING

from idempotency.claims import Problem
from idempotency.states import PauseKind
from jobs import vendors
from jobs.answers import by_answer
from jobs.verdicts import Permanent, Transient, Verdict

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

SHOWN = 500  # characters of an error as the reason of a pause


def wait(task: "IdempotentTask", job: "Job", kind: PauseKind, duration: timedelta, problem: Problem) -> timedelta:
    """Pause the vendor's queue for everybody and give the job's attempt back; returns after which delay it comes."""
    if task.vendor:
        job.settler.pause(job, task.vendor, kind, duration, problem.summary[:SHOWN])
    job.settler.give_back(job, duration, problem)
    return duration


def tell(task: "IdempotentTask", job: "Job", error: Exception, verdict: Verdict, problem: Problem) -> None:
    """Count a failure of the vendor, or end its trouble: a refusal is an answer too."""
    match verdict:
        case Transient(by_vendor=True) if task.vendor:
            circuit = vendors.declared(task.vendor).circuit
            job.settler.vendor_failed(job, task.vendor, circuit, problem.summary[:SHOWN])
        case Permanent() if task.vendor and by_answer(error):
            job.settler.vendor_answered(job)
