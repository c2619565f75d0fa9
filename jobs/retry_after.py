"""The Retry-After header in all the forms that vendors send."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from jobs import conf

logger = logging.getLogger(__name__)


def parse(value: str | None, *, now: datetime | None = None) -> timedelta | None:
    """The wait that a Retry-After header asks for; None where it is absent, in the past or unreadable.

    Args:
        value: seconds ("120", "0.5") or an HTTP date ("Fri, 31 Dec 2027 23:59:59 GMT").
        now: the vendor's own clock where the answer has a Date header, so that its skew does not matter.

    Waits above `JOBS_MAX_PAUSE` are cut to it, with a warning. Source: RFC 9110, section 10.2.3.
    """
    if value is None:
        return None
    wait = _seconds(value.strip()) or _date(value.strip(), now or datetime.now(UTC))
    if wait is None or wait <= timedelta(0):
        return None
    return capped(wait)


def capped(wait: timedelta) -> timedelta:
    if wait > conf.max_pause():
        logger.warning("a vendor asked to wait %s; JOBS_MAX_PAUSE cuts that to %s", wait, conf.max_pause())
        return conf.max_pause()
    return wait


def _seconds(value: str) -> timedelta | None:
    try:
        return timedelta(seconds=float(value))
    except OverflowError:
        return timedelta.max
    except ValueError:
        return None


def _date(value: str, now: datetime) -> timedelta | None:
    moment = http_date(value)
    return None if moment is None else moment - now


def http_date(value: str) -> datetime | None:
    """The aware moment that a header names; None where it is unreadable."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
