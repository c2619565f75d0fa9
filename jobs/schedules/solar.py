"""What the sun does at a place, as ephem computes it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from celery.schedules import solar

DAY = timedelta(days=1)
LONGEST_NIGHT = 400  # days without the event: at the poles half a year, and no place has more
NEXT = timedelta(minutes=1)  # near the polar circle the sun may rise twice within one day of UTC, hours apart


@dataclass(frozen=True)
class Solar:
    """One of Celery's solar events. Where the sun does not rise on a day, nothing ticks on it.

    Each day of UTC is computed from its own midnight and rounded to the second, so that all beats find the same.
    """

    event: str
    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        self._celerys()

    def ticks(self, after: datetime) -> Iterator[datetime]:
        day, empty = after.astimezone(UTC).date() - DAY, 0
        celerys = self._celerys()
        while empty < LONGEST_NIGHT:
            found = [tick for tick in _on(celerys, datetime.combine(day, time(), tzinfo=UTC)) if tick > after]
            empty = 0 if found else empty + 1
            day += DAY
            yield from found

    def _celerys(self) -> Any:
        """Celery's own schedule, which knows the horizon of each event; it checks event and place."""
        return solar(self.event, self.latitude, self.longitude)  # type: ignore[arg-type]


def _on(celerys: Any, midnight: datetime) -> Iterator[datetime]:
    start = midnight
    while (found := _next(celerys, start)) is not None and found < midnight + DAY:
        yield found
        start = found + NEXT


def _next(celerys: Any, start: datetime) -> datetime | None:
    options = {} if celerys.method.endswith("transit") else {"use_center": celerys.use_center}
    sun = celerys.ephem.Sun()
    try:
        found = getattr(celerys.cal, celerys.method)(sun, start=start.replace(tzinfo=None), **options)
    except celerys.ephem.CircumpolarError:
        return None
    exact: datetime = found.datetime()
    return (exact + timedelta(milliseconds=500)).replace(microsecond=0, tzinfo=UTC)
