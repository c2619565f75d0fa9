"""What an error says about the job: is it worth another attempt, and whose fault was it?"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idempotency.errors import EnqueueError
from jobs import retry_after
from jobs.errors import PermanentError, RateLimitedError, RefusedError


@dataclass(frozen=True, slots=True)
class Transient:
    """Worth another attempt. Everything unknown is."""


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


Verdict = Transient | RateLimited | Permanent | Refused

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
    try:
        response = getattr(error, "response", None)  # httpx.HTTPStatusError and requests.HTTPError carry one
        status = getattr(response, "status_code", None)
        return _by_status(status, response) if isinstance(status, int) else Transient()
    except Exception:  # noqa: BLE001 - an error that cannot be read is an unknown one
        return Transient()


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
