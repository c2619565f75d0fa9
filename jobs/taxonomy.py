"""What an error says about the job: is it worth another attempt, and whose fault was it?"""

import smtplib
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idempotency.errors import EnqueueError
from jobs import retry_after
from jobs.errors import (
    PermanentError,
    RateLimitedError,
    RefusedError,
    StepChangedError,
    StepInTransactionError,
    TransientError,
    UnknownOutcomeError,
)


@dataclass(frozen=True, slots=True)
class Transient:
    """Worth another attempt. Everything unknown is."""

    by_vendor: bool = False


@dataclass(frozen=True, slots=True)
class RateLimited:
    """The vendor wants us to wait; `wait` None: it did not say how long."""

    wait: timedelta | None


@dataclass(frozen=True, slots=True)
class Permanent:
    """No further attempt can help."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Our credentials are refused."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The outside effect may have happened; a person has to look."""


Verdict = Transient | RateLimited | Permanent | Refused | Unknown

WORTH_RETRYING = frozenset({408, 425})  # the 4xx that speak of the moment and not of the request


def classify(error: BaseException) -> Verdict:
    """The verdict on an error that left a task's body."""
    match error:
        case PermanentError() | EnqueueError():  # a request that was refused once is refused again
            return Permanent()
        case RateLimitedError():
            return RateLimited(_wait(error.retry_after))
        case RefusedError():
            return Refused()
        case UnknownOutcomeError():
            return Unknown()
    return _by_answer(error) or Transient()


def proves_nothing_done(error: BaseException) -> bool:
    """Whether the call that ended with this error had no effect: it was never sent, or it was refused.

    A task's own word counts: whoever raises `TransientError` around a call says that the call may be made again.
    """
    cause = getattr(error, "exc", None)  # of Celery's Retry: what the body had caught
    error = cause if isinstance(cause, BaseException) else error
    if isinstance(error, SAID_BY_THE_TASK):
        return not isinstance(error, ABOUT_STEPS)
    if isinstance(error, NEVER_TAKEN) or _never_connected(error):
        return True
    return isinstance(_by_answer(error), RateLimited | Refused | Permanent)


SAID_BY_THE_TASK = (TransientError, PermanentError, RateLimitedError, RefusedError)
ABOUT_STEPS = (StepChangedError, StepInTransactionError)  # raised for the task, maybe behind its call
# A mail server's answer is a refusal, else smtplib raises nothing; of several recipients it names those it refused all.
NEVER_TAKEN = (
    ConnectionRefusedError,
    socket.gaierror,
    smtplib.SMTPResponseException,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
)
# By name, because neither client is a dependency: what httpx, requests and urllib3 raise before anything is sent.
BEFORE_THE_REQUEST = frozenset({
    ("httpx", "ConnectError"),
    ("httpx", "ConnectTimeout"),
    ("httpx", "PoolTimeout"),
    ("requests", "ConnectTimeout"),
    ("urllib3", "NewConnectionError"),
    ("urllib3", "ConnectTimeoutError"),
})  # fmt: skip


def _never_connected(error: BaseException) -> bool:
    inner = getattr(error.args[0], "reason", None) if error.args else None  # requests puts urllib3's error there
    kinds = (*type(error).__mro__, *type(inner).__mro__)
    return any((kind.__module__.partition(".")[0], kind.__name__) in BEFORE_THE_REQUEST for kind in kinds)


def _by_answer(error: BaseException) -> Verdict | None:
    """The verdict of the vendor's answer; None where the error carries none that can be read."""
    try:
        response = getattr(error, "response", None)  # httpx.HTTPStatusError and requests.HTTPError carry one
        status = getattr(response, "status_code", None)
        return _by_status(status, response) if isinstance(status, int) else None
    except Exception:  # noqa: BLE001 - an error that cannot be read is an unknown one
        return None


def _by_status(status: int, response: Any) -> Verdict:
    wait = retry_after.parse(response.headers.get("Retry-After"), now=_vendor_clock(response))
    if status == 429 or (status == 503 and response.headers.get("Retry-After")):
        return RateLimited(wait)
    if status in (401, 403):
        return Refused()
    if 400 <= status < 500 and status not in WORTH_RETRYING:
        return Permanent()
    return Transient()


def _vendor_clock(response: Any) -> datetime | None:
    return retry_after.http_date(response.headers.get("Date", ""))


def _wait(asked: timedelta | datetime | None) -> timedelta | None:
    if isinstance(asked, datetime):
        asked = asked - datetime.now(UTC)
    return None if asked is None or asked <= timedelta(0) else retry_after.capped(asked)
