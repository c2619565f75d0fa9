"""`Schedule(…)`: a schedule declared in code, in the `schedules.py` of an app.

`manage.py jobs sync-schedules` brings them to django-celery-beat's tables, where people may edit them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from jobs.schedules import times
from jobs.task import IdempotentTask

declared: dict[str, "Schedule"] = {}
WEEK = timedelta(days=7)
CHOICES = {
    "missed": ("latest", "all", "skip"),
    "overlap": ("allow", "skip", "queue"),
    "clocks_forward": ("auto", "skip", "once"),
    "clocks_back": ("auto", "once", "both", "skip"),
}


@dataclass(frozen=True)
class Schedule:
    """One schedule.

    Args:
        name: what makes it this schedule: renamed, it is another one.
        task: whose jobs its ticks are.
        crontab: five fields, such as "15 3 * * mon-fri", on the clocks of `zone`; or
        every: elapsed time from when it is first synced, or from `start`; or
        at: one moment; or
        solar: one of Celery's solar events, latitude and longitude.
        kwargs: the job's parameters. `{tick}` in a text is the tick's time, `{tick:%Y-%m-%d}` its day in `zone`.
        missed: what becomes of ticks that no beat saw in time: "latest", "all" or "skip".
        catch_up: how old a tick may be and still fire late.
        overlap: what becomes of a tick while the job before it is not done: "allow", "skip" or "queue".
        clocks_forward, clocks_back: see docs/schedules.md.
        pause_after: so many jobs given up one after the other pause it; None: never.

    Raises:
        ImproperlyConfigured: it cannot be a schedule, with the reason.
    """

    name: str
    task: type[IdempotentTask] | IdempotentTask
    crontab: str | None = field(default=None, kw_only=True)
    zone: str = field(default="UTC", kw_only=True)
    every: timedelta | None = field(default=None, kw_only=True)
    at: datetime | None = field(default=None, kw_only=True)
    solar: tuple[str, float, float] | None = field(default=None, kw_only=True)
    start: datetime | None = field(default=None, kw_only=True)
    kwargs: Mapping[str, Any] = field(default_factory=dict, kw_only=True)
    queue: str | None = field(default=None, kw_only=True)
    priority: int | None = field(default=None, kw_only=True)
    enabled: bool = field(default=True, kw_only=True)
    description: str = field(default="", kw_only=True)
    missed: str = field(default="latest", kw_only=True)
    catch_up: timedelta = field(default=WEEK, kw_only=True)
    overlap: str = field(default="allow", kw_only=True)
    clocks_forward: str = field(default="auto", kw_only=True)
    clocks_back: str = field(default="auto", kw_only=True)
    pause_after: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                self._refuse(f"{name} is {getattr(self, name)!r}; it must be one of {', '.join(choices)}")
        if self.every is not None and self.every % timedelta(seconds=1):
            self._refuse(f"every is {self.every}; it must be whole seconds")
        if any(moment and moment.tzinfo is None for moment in (self.at, self.start)):
            self._refuse("a moment without a time zone; say which one")
        if self.crontab is not None and len(self.crontab.split()) != len(times.FIELDS):
            self._refuse(f"crontab {self.crontab!r} must have five fields: {', '.join(times.FIELDS)}")
        try:
            times.read(self.spec(), datetime(2000, 1, 1, tzinfo=UTC))
        except times.TimingError as error:
            self._refuse(str(error).rstrip("."))
        if self.name in declared:
            self._refuse("it is declared twice")
        declared[self.name] = self

    def spec(self) -> dict[str, Any]:
        """Its times, as a position's JSON has them."""
        found: dict[str, Any] = {"forward": self.clocks_forward, "back": self.clocks_back}
        if self.crontab is not None:
            found["crontab"] = [*self.crontab.split(), self.zone]
        if self.every is not None:
            found["interval"] = [int(self.every.total_seconds()), "seconds"]
        if self.at is not None:
            found["clocked"] = self.at.isoformat()
        if self.solar is not None:
            found["solar"] = list(self.solar)
        return found

    def _refuse(self, why: str) -> None:
        raise ImproperlyConfigured(f"Schedule {self.name!r}: {why}. Correct it where it is declared.")
