"""Sentry's cron monitors: a tick of a schedule is in progress when its job is written, and ok or wrong when that ends.

A tick that nobody tells of is missed, says Sentry: each check-in brings the schedule's times, so that it can know. What
a beat finds missed is told as wrong, because `missed` is Sentry's own word: so it hears also of ticks that it could not
expect, as before the first check-in.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db import transaction
from sentry_sdk.crons import capture_checkin

from jobs.context import Outcome
from jobs.observers import Enqueuing

if TYPE_CHECKING:
    from jobs.context import Job

HEADER = "jobs-check-in"  # not Sentry's own name: its integration for Celery would check in as well
MARGIN = 2  # minutes that a tick may be late: a beat that starts anew needs less
SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
STATUS = {Outcome.SUCCEEDED: "ok", Outcome.GIVEN_UP: "error"}


@dataclass(frozen=True, slots=True)
class Tick:
    slug: str
    monitor: Any
    id: str


_ticking: ContextVar[Tick | None] = ContextVar("jobs tick", default=None)


@contextmanager
def ticking(schedule: str, times: Mapping[str, Any]) -> Iterator[None]:
    """Around the enqueue of one tick."""
    token = _ticking.set(Tick(_slug(schedule), monitor(times), uuid4().hex))
    try:
        yield
    finally:
        _ticking.reset(token)


@contextmanager
def of_tick(enqueuing: Enqueuing) -> Iterator[None]:
    """Around an enqueue: let a tick's job know its check-in, and tell of it when the turn is committed."""
    if (tick := _ticking.get()) is None:
        yield
        return
    enqueuing.headers[HEADER] = f"{tick.slug}/{tick.id}"
    yield
    if any(answer.created for answer in enqueuing.answers):
        begun = partial(capture_checkin, tick.slug, tick.id, "in_progress", monitor_config=tick.monitor)
        transaction.on_commit(begun, robust=True)


def missed(schedule: str, times: Mapping[str, Any]) -> None:
    """Ticks of this turn are missed: one check-in for all, because Sentry would take each for one of now."""
    wrong = partial(capture_checkin, _slug(schedule), uuid4().hex, "error", monitor_config=monitor(times))
    transaction.on_commit(wrong, robust=True)


def told(job: "Job") -> str | None:
    """The check-in of the tick that the job is of; None where it is of none."""
    headers: Mapping[str, str] = (job.claimed.options or {}).get("headers") or {}
    return headers.get(HEADER)


def ended(job: "Job") -> None:
    """A tick's job has succeeded or was given up; one that is tried again is in progress still."""
    if (found := told(job)) and (status := STATUS.get(job.outcome or Outcome.LOST)):
        slug, _, id_ = found.rpartition("/")
        capture_checkin(slug, id_, status)


def monitor(times: Mapping[str, Any]) -> Any:
    """The times as Sentry knows them; None where it does not: seconds, the sun, single moments."""
    if crontab := times.get("crontab"):
        schedule = {"type": "crontab", "value": " ".join(crontab[:5])}
        return {"schedule": schedule, "timezone": crontab[5], "checkin_margin": MARGIN}
    number, unit = times.get("interval") or (0, "")
    minutes, rest = divmod(number * SECONDS.get(unit, 0), 60)
    if minutes and not rest:
        return {"schedule": {"type": "interval", "value": int(minutes), "unit": "minute"}, "checkin_margin": MARGIN}
    return None


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")[:50]
