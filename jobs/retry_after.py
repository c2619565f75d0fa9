"""The Retry-After header in all the forms that vendors send."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from jobs import conf, log_events

logger = logging.getLogger(__name__)

# One of several values. A comma parts them, but for the one behind a date's weekday.
ONE_VALUE = re.compile(r"(?:\s*(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\s*,)?[^,]+", re.IGNORECASE)


def parse(value: str | None, *, now: datetime | None = None) -> timedelta | None:
    """The wait that a Retry-After header asks for; None where it is absent, zero, in the past or unreadable.

    Args:
        value: seconds ("120", "0.5") or an HTTP date ("Fri, 31 Dec 2027 23:59:59 GMT", also in the two old forms and
            with another zone). Of several values with commas between them the longest wait counts.
        now: the vendor's own clock where the answer has a Date header, so that its skew does not matter.

    Waits above `JOBS_MAX_PAUSE` are cut to it, with a warning. Source: RFC 9110, sections 5.6.7 and 10.2.3.
    """
    today = now or datetime.now(UTC)
    return _longest(value, lambda one: _span(one, 1) or _until(one, today))


def parse_milliseconds(value: str | None) -> timedelta | None:
    """The same for a header that counts milliseconds."""
    return _longest(value, lambda one: _span(one, 1000))


def capped(wait: timedelta) -> timedelta:
    if wait > conf.max_pause():
        logger.warning(
            "a vendor asked to wait %s; JOBS_MAX_PAUSE cuts that to %s",
            wait,
            conf.max_pause(),
            extra=log_events.WAIT_CUT,
        )
        return conf.max_pause()
    return wait


def _longest(value: str | None, read: Callable[[str], timedelta | None]) -> timedelta | None:
    waits = [wait for one in _each(value or "") if (wait := read(one)) and wait > timedelta(0)]
    return capped(max(waits)) if waits else None


def _each(value: str) -> Iterator[str]:
    return (one.strip() for one in ONE_VALUE.findall(value))


def _span(value: str, per_second: int) -> timedelta | None:
    try:
        return timedelta(seconds=float(value) / per_second)
    except OverflowError:
        return timedelta.min if value.startswith("-") else timedelta.max
    except ValueError:
        return None


def _until(value: str, now: datetime) -> timedelta | None:
    moment = http_date(value)
    return None if moment is None else moment - now


def http_date(value: str) -> datetime | None:
    """The aware moment that a header names; None where it is unreadable."""
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
