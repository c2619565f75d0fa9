"""Retry-After in every form a vendor has been seen to send."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

from billing_sync.vendor_simulator.rates import Severity

ABSURD = ("31536000000", "Fri, 31 Dec 9999 23:59:59 GMT", "-7", "soon", "1e9", "0x10")


def _seconds(random: Random, longest: int) -> str:
    return str(random.randint(1, longest))


def _date(random: Random, longest: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=random.randint(1, longest)), usegmt=True)


def _past(random: Random, _longest: int) -> str:
    return format_datetime(datetime.now(UTC) - timedelta(seconds=random.randint(1, 86_400)), usegmt=True)


def _absurd(random: Random, _longest: int) -> str:
    return random.choice(ABSURD)


FORMS: Mapping[str, Callable[[Random, int], str]] = {
    "seconds": _seconds,
    "date": _date,
    "past": _past,
    "absurd": _absurd,
}


def retry_after(random: Random, severity: Severity, *, absent: bool = True) -> tuple[str, dict[str, str]]:
    """The name of a form, and the header in it: none in the form "absent"."""
    forms = [form for form in FORMS if form != "absurd" or severity.absurd_retry_after]
    form = random.choice([*forms, "absent"] if absent else forms)
    if form == "absent":
        return form, {}
    # The header counts whole seconds: 1 is the least that can be asked for.
    return form, {"Retry-After": FORMS[form](random, max(1, int(severity.retry_after_max)))}
