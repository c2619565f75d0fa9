"""What is to tick: the next moments of each schedule, and how many ticks each hour of a week has."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from jobs.schedules import times
from jobs.schedules.statements import run
from jobs.schedules.times import Interval, Timing, Within

HOUR = timedelta(hours=1)
DAYS, HOURS = 7, 24


@dataclass(frozen=True, slots=True)
class Planned:
    """One enabled schedule. `timing` None: its times cannot be read, and `problem` says why."""

    name: str
    task: str
    when: str
    zone: str
    policies: str
    timing: Timing | None
    problem: str | None
    paused_why: str | None

    def next(self, count: int, after: datetime) -> list[datetime]:
        return [] if self.timing is None else list(islice(self.timing.ticks(after), count))


def planned() -> tuple[datetime, list[Planned]]:
    """The database's time, and every enabled schedule by name."""
    rows = run("planned")
    now: datetime = run("now")[0][0]
    return now, [_planned(*row) for row in rows]


def _planned(name: str, task: str, spec: str, anchored_at: datetime, policies: str, paused_why: str | None) -> Planned:
    about = json.loads(spec)
    zone = about["crontab"][5] if "crontab" in about else "UTC"
    timing, problem = None, None
    try:
        timing = times.read(about, anchored_at)
    except times.TimingError as error:
        problem = str(error)
    return Planned(name, task, _when(about), zone, policies, timing, problem, paused_why)


def _when(about: dict[str, Any]) -> str:
    match about:
        case {"crontab": [*fields, zone]}:
            return f"{' '.join(fields)} {zone}"
        case {"interval": [1, str(unit)]}:
            return f"every {unit.removesuffix('s')}"
        case {"interval": [number, unit]}:
            return f"every {number} {unit}"
        case {"solar": [event, latitude, longitude]}:
            return f"{event} at {latitude}, {longitude}"
        case {"clocked": moment}:
            return f"once, {moment}"
    return "never"


def change_on(moment: datetime, zone: ZoneInfo) -> timedelta:
    """By how much the zone's clocks change on this moment's day: 1 h forward, -1 h back, mostly nothing."""
    midnight = moment.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    tomorrow = (midnight.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    before, after = midnight.utcoffset(), tomorrow.utcoffset()
    return (after or timedelta()) - (before or timedelta())


@dataclass(frozen=True, slots=True)
class Load:
    """Ticks in each hour of each of seven days, on one zone's clocks; an hour that comes twice counts both."""

    days: list[datetime]
    ticks: list[list[int]]
    changes: list[timedelta]

    @property
    def most(self) -> int:
        return max(max(row) for row in self.ticks)


def load(schedules: list[Planned], now: datetime, zone: ZoneInfo) -> Load:
    first = now.astimezone(zone).date()
    days = [datetime.combine(first + timedelta(days=n), datetime.min.time(), tzinfo=zone) for n in range(DAYS)]
    ticks = [[0] * HOURS for _ in days]
    timings = [p.timing for p in schedules if p.timing is not None]
    for number, day in enumerate(days):
        for start, end in _hours(day):
            ticks[number][start.astimezone(zone).hour] += sum(count(timing, start, end) for timing in timings)
    return Load(days, ticks, [change_on(day, zone) for day in days])


def _hours(day: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The hours of a local day as moments: 24, or 23 or 25 where the clocks change."""
    utc = ZoneInfo("UTC")
    start = day.astimezone(utc)
    end = (day.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=day.tzinfo).astimezone(utc)
    while start < end:
        yield start, min(start + HOUR, end)
        start += HOUR


def count(timing: Timing, start: datetime, end: datetime) -> int:
    """Ticks from `start` on and before `end`."""
    if isinstance(timing, Within):
        start, end = max(start, timing.start or start), min(end, timing.until or end)
        return count(timing.timing, start, end) if start < end else 0
    before = timedelta.resolution
    if isinstance(timing, Interval):
        first = max(0, -((timing.anchor - start) // timing.every))
        return max(0, -((timing.anchor - end) // timing.every) - first)
    return sum(1 for _ in takewhile(lambda tick: tick < end, timing.ticks(start - before)))
