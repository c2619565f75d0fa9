"""One attempt, inside Celery's tracer: look or run, then settle. Every way out of a body ends in one arrow."""

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from celery.exceptions import Ignore, Retry

from idempotency import payload as json_payload
from idempotency.claims import Problem
from idempotency.errors import LeaseLost, PayloadError
from idempotency.states import PauseKind, Reason
from jobs import conf, log_events
from jobs.context import Outcome
from jobs.errors import PermanentError, TransientError, UnknownOutcomeError
from jobs.metrics import by_task
from jobs.problems import describe
from jobs.taxonomy import Permanent, RateLimited, Refused, Transient, Unknown, Verdict, classify
from jobs.worker import again, limits, vendor_news
from jobs.worker.leftovers import leave_database_clean, open_transactions

if TYPE_CHECKING:
    from jobs.context import Job
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

REFUSED_PAUSE = timedelta(minutes=5)  # long enough not to hammer a vendor with bad credentials, short enough to heal


def perform(task: "IdempotentTask", job: "Job", payload: Mapping[str, Any]) -> Any:
    """Run the body and write what it led to.

    Returns the result. Raises what Celery's tracer is to report: Retry where the record is queued again, Ignore where
    this attempt no longer owns it, the body's own error where the job is given up.
    """
    job.entered = True
    started = time.time()
    try:
        result, text = _body(task, job, payload)
        job.settler.succeed(task, job, payload, result, text)
        job.settler.vendor_answered(job)
    except LeaseLost as lost:
        _lost(job, lost)
    except Exception as error:  # noqa: BLE001 - the taxonomy decides on every error
        _failed(task, job, payload, started, error)
    except BaseException as stop:  # noqa: BLE001 - sys.exit(), Ctrl-C, a cancelled event loop
        _stopped(task, job, payload, started, stop)
    job.settled, job.outcome = True, Outcome.SUCCEEDED
    return result


def unrecorded(task: "IdempotentTask", args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    """A raw Celery message without a record: adopted into one, or refused."""
    if conf.adopt_unrecorded():
        adopted = task.enqueue(*args, **kwargs)
        by_task.unrecorded(task.name, "adopted")
        return f"adopted as {adopted.id}"
    by_task.unrecorded(task.name, "refused")
    raise PermanentError(
        f"{task.name}: a raw Celery message without a record is refused. Enqueue the task, "
        "or set JOBS_ADOPT_UNRECORDED = True while you migrate."
    )


def _body(task: "IdempotentTask", job: "Job", payload: Mapping[str, Any]) -> tuple[Any, str]:
    _check_accepts(task, payload)
    try:
        limits.arm(*task.limits())
        result = _look(task, job, payload)
        if result is None:
            result = _run(task, job, payload)
    finally:
        limits.disarm_soft()
    if open_transactions() - job.around:
        raise PermanentError("the body left a transaction open; its writes are rolled back. Use `with atomic():`.")
    if result is None:
        return None, "null"
    try:
        return result, json_payload.dumps(result, limit=conf.max_payload(), what="the result")
    except PayloadError as error:
        raise PermanentError(str(error)) from error


def _look(task: "IdempotentTask", job: "Job", payload: Mapping[str, Any]) -> Any:
    """What an earlier attempt has done already; never a blind second call where nobody can be asked."""
    if task.already_done:
        found = task.already_done(**payload)
        if found is False:  # a result like any other, and yet nobody means it
            raise PermanentError("already_done returned False. Return None where there is no result yet.")
        return found
    if job.in_doubt:
        raise UnknownOutcomeError(
            f"an earlier attempt was about to have its effect at {job.claimed.intent_at:%Y-%m-%d %H:%M:%S} UTC and "
            "nobody knows how that ended. Look at the other side, then replay or discard the job."
        )
    return None


def _run(task: "IdempotentTask", job: "Job", payload: Mapping[str, Any]) -> Any:
    if not task.external_effect:
        return task.run(**payload)
    with job.effect():
        return task.run(**payload)


def _check_accepts(task: "IdempotentTask", payload: Mapping[str, Any]) -> None:
    names = task.accepted_names()
    if not names.accept(payload):
        raise PermanentError(f"run{task.signature_of_run()} does not take the payload {sorted(payload)}")


def _failed(
    task: "IdempotentTask", job: "Job", payload: Mapping[str, Any], started: float, error: Exception
) -> NoReturn:
    leave_database_clean()
    cause = error.exc if isinstance(error, Retry) and error.exc else error
    problem = describe(cause, datetime.fromtimestamp(started, UTC), task.secrets(payload))
    try:
        delay = settle_failure(task, job, error, problem)
    except LeaseLost as lost:
        _lost(job, lost)
    if delay is None:
        raise error
    when: Any = delay.total_seconds()
    raise Retry(problem.summary, exc=error, when=when) from error


def settle_failure(task: "IdempotentTask", job: "Job", error: Exception, problem: Problem) -> timedelta | None:
    """Write the verdict on an error; returns after which delay the job comes again, None where it is given up."""
    job.problem = replace(problem, nothing_done=not job.in_doubt)
    delay = _write_verdict(task, job, error, job.problem)
    job.settled, job.outcome = True, Outcome.GIVEN_UP if delay is None else Outcome.RETRIED
    return delay


def _write_verdict(task: "IdempotentTask", job: "Job", error: Exception, problem: Problem) -> timedelta | None:
    verdict = classify(error, task)
    vendor_news.tell(task, job, error, verdict)
    match _told_of_doubt(task, job, verdict):
        case Permanent():
            job.settler.fail(job, problem)
            return None
        case Unknown():
            job.settler.dead_letter(job, Reason.UNKNOWN_OUTCOME, problem)
            return None
        case RateLimited(wait):
            wait = wait or task.retry_policy.on(error).ceiling(job.attempt)
            return vendor_news.wait(task, job, error, PauseKind.RATE_LIMIT, wait)
        case Refused():
            logger.error(
                "%s: the vendor refuses our credentials: %s",
                task.name,
                problem.summary,
                extra=log_events.VENDOR_REFUSES,
            )
            return vendor_news.wait(task, job, error, PauseKind.REFUSED, REFUSED_PAUSE)
        case Transient():
            return again.retry(task, job, error, problem)


def _told_of_doubt(task: "IdempotentTask", job: "Job", verdict: Verdict) -> Verdict:
    """An error that leaves a doubt is for a person, unless the next attempt can ask."""
    ends_here = isinstance(verdict, Permanent)
    return Unknown() if job.in_doubt and not task.already_done and not ends_here else verdict


def _stopped(
    task: "IdempotentTask", job: "Job", payload: Mapping[str, Any], started: float, stop: BaseException
) -> NoReturn:
    if job.settler.stopping():
        leave_database_clean()
        job.settler.interrupt(job)
        job.settled, job.outcome = True, Outcome.INTERRUPTED
        raise stop
    # A body that calls sys.exit() or is cancelled is a failed body, not a reason to end the worker.
    _failed(task, job, payload, started, TransientError(f"the body raised {type(stop).__name__}", by_vendor=False))


def _lost(job: "Job", lost: LeaseLost) -> NoReturn:
    job.settled, job.outcome = True, Outcome.LOST
    leave_database_clean()
    logger.warning("%s", lost, extra=log_events.JOB_LOST)
    raise Ignore(str(lost)) from lost
