"""When a schedule ticks: functions of its times and its zone, and of nothing else.

A tick's *nominal* time is the moment that it was planned for, always in UTC. The same times give the same nominal times
wherever and whenever they are computed, and that is what lets any number of beats agree.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import takewhile
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from celery.schedules import ParseException, crontab

DAY = timedelta(days=1)
FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
FASTEST = timedelta(seconds=1)
FARTHEST = 41 * 366  # days looked ahead: 29 February on a certain weekday may be forty years away
# A day is even where its zone's offset is the same at all of these hours, counted from its midnight. The margin is
# there because a change near midnight can move a time of one day behind one of the next.
LOOKS = tuple(timedelta(hours=h) for h in (-3, 0, 6, 12, 18, 24, 27))


class TimingError(ValueError):
    """The times of a schedule cannot be read."""


class Timing(Protocol):
    """When something ticks."""

    def ticks(self, after: datetime) -> Iterator[datetime]:
        """Every tick later than `after`, in order, in UTC; it may have no end."""


@dataclass(frozen=True)
class Crontab:
    """Five fields as Celery reads them: the day must fit both its day of the month and its day of the week.

    A crontab is about a *pace* where its minute or its hour begins with `*`, as in Debian's cron: it ticks whenever the
    wall clock fits. Otherwise it is about a *time of day*, which comes once a day.
    """

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    zone: str
    forward: str = "auto"
    back: str = "auto"

    def __post_init__(self) -> None:
        _ = self._fields, self._zone

    @cached_property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @cached_property
    def _fields(self) -> tuple[list[int], list[int], set[int], set[int], set[int]]:
        texts = (self.minute, self.hour, self.day_of_week, self.day_of_month, self.month_of_year)
        minute, hour, weekday, day, month = ("".join(text.split()) for text in texts)
        read: Any = crontab(minute=minute, hour=hour, day_of_week=weekday, day_of_month=day, month_of_year=month)
        return sorted(read.minute), sorted(read.hour), read.day_of_month, read.month_of_year, read.day_of_week

    @property
    def is_pace(self) -> bool:
        return self.minute.strip().startswith("*") or self.hour.strip().startswith("*")

    @property
    def skips_gap(self) -> bool:
        return self.is_pace if self.forward == "auto" else self.forward == "skip"

    @property
    def of_two(self) -> str:
        """Which of two equal times tick: once (the first), both, skip."""
        return ("both" if self.is_pace else "once") if self.back == "auto" else self.back

    def ticks(self, after: datetime) -> Iterator[datetime]:
        day = after.astimezone(self._zone).date() - 2 * DAY
        last, latest = day + FARTHEST * DAY, after
        while day < last:
            day += DAY
            found = self._on(day)
            while found and _offset(self._zone, day) is None and _offset(self._zone, day + DAY) is None:
                day += DAY
                found |= self._on(day)
            for tick in sorted(found):
                if tick > latest:
                    latest = tick
                    yield tick

    def _on(self, day: date) -> set[datetime]:
        minutes, hours, days, months, weekdays = self._fields
        if day.day not in days or day.month not in months or day.isoweekday() % 7 not in weekdays:
            return set()
        walls = (datetime.combine(day, time(hour, minute)) for hour in hours for minute in minutes)
        if (offset := _offset(self._zone, day)) is not None:
            return {(wall - offset).replace(tzinfo=UTC) for wall in walls}
        return {moment for wall in walls for moment in self._moments(wall)}

    def _moments(self, wall: datetime) -> list[datetime]:
        """When the zone's wall clocks show this: mostly once."""
        first, second = (wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first == second:
            return [first]
        if first < second:
            return {"once": [first], "both": [first, second], "skip": []}[self.of_two]
        return [] if self.skips_gap else [_change(self._zone, second, first)]


@lru_cache(4096)
def _offset(zone: ZoneInfo, day: date) -> timedelta | None:
    """The zone's offset on this day; None where its clocks change on it or close to it."""
    midnight = datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
    offsets = {(midnight + look).astimezone(zone).utcoffset() for look in LOOKS}
    return offsets.pop() if len(offsets) == 1 else None


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The moment between the two at which the zone's clocks change."""
    old, second = before.astimezone(zone).utcoffset(), timedelta(seconds=1)
    while after - before > second:
        middle = before + (after - before) // 2 // second * second
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


@dataclass(frozen=True)
class Interval:
    """Elapsed time, counted from an anchor: no clock change moves it."""

    every: timedelta
    anchor: datetime

    def __post_init__(self) -> None:
        if self.every < FASTEST:
            raise TimingError(f"it is to tick every {self.every}; nothing ticks faster than once a second.")

    def ticks(self, after: datetime) -> Iterator[datetime]:
        number = max(0, (after - self.anchor) // self.every + 1)
        while True:
            yield self.anchor + number * self.every
            number += 1


@dataclass(frozen=True)
class Clocked:
    """One moment."""

    moment: datetime

    def ticks(self, after: datetime) -> Iterator[datetime]:
        if self.moment > after:
            yield self.moment


@dataclass(frozen=True)
class Within:
    """Other times, from a moment on and before another."""

    timing: Timing
    start: datetime | None
    until: datetime | None

    def ticks(self, after: datetime) -> Iterator[datetime]:
        if self.start is not None:
            after = max(after, self.start - timedelta(microseconds=1))
        until = self.until
        ticks = self.timing.ticks(after)
        return ticks if until is None else takewhile(lambda tick: tick < until, ticks)


def read(spec: Mapping[str, Any], anchored_at: datetime) -> Timing:
    """The times that a position's JSON describes.

    Raises:
        TimingError: it describes none, with the reason.
    """
    start, until = _moment(spec.get("start")), _moment(spec.get("until"))
    kinds = [kind for kind in KINDS if spec.get(kind) is not None]
    if len(kinds) != 1:
        raise TimingError(f"it has {len(kinds)} kinds of times; it must have one of {', '.join(KINDS)}.")
    try:
        return Within(KINDS[kinds[0]](spec, start or anchored_at), start, until)
    except TimingError:
        raise
    except (ParseException, ValueError, KeyError, TypeError, OSError, OverflowError) as error:
        raise TimingError(f"its {kinds[0]} cannot be read: {error}.") from error


def _crontab(spec: Mapping[str, Any], _: datetime) -> Timing:
    minute, hour, day, month, weekday, zone = spec["crontab"]
    return Crontab(minute, hour, day, month, weekday, zone, spec["forward"], spec["back"])


def _interval(spec: Mapping[str, Any], anchor: datetime) -> Timing:
    number, unit = spec["interval"]
    return Interval(timedelta(**{unit: number}), anchor)


def _solar(spec: Mapping[str, Any], _: datetime) -> Timing:
    from jobs.schedules.solar import Solar

    event, latitude, longitude = spec["solar"]
    return Solar(event, float(latitude), float(longitude))


def _clocked(spec: Mapping[str, Any], _: datetime) -> Timing:
    return Clocked(datetime.fromisoformat(spec["clocked"]).astimezone(UTC))


KINDS: dict[str, Callable[[Mapping[str, Any], datetime], Timing]] = {
    "crontab": _crontab,
    "interval": _interval,
    "solar": _solar,
    "clocked": _clocked,
}


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
