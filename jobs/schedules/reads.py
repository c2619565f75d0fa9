"""What schedules and beats look like now, for the status, for metrics and for pages. Any connection will do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps

from idempotency.statements import Connection
from jobs import conf
from jobs.schedules.statements import statement

ALIVE = timedelta(seconds=15)  # three missed reports


@dataclass(frozen=True, slots=True)
class LiveBeat:
    """One beat that reported lately; `clock_offset`: seconds by which its own clock is ahead."""

    name: str
    fired: int
    clock_offset: float
    seen_at: datetime

    @property
    def is_wrong(self) -> bool:
        return abs(self.clock_offset) > conf.clock_tolerance().total_seconds()


@dataclass(frozen=True, slots=True)
class Trouble:
    """One condition that somebody should be told of: `no_beat`, `late`, `clock`, `paused` or `unreadable`."""

    kind: str
    about: str
    sentence: str


def installed() -> bool:
    return apps.is_installed("jobs.schedules")


def last_tick(connection: Connection) -> datetime | None:
    """When a beat last looked at the schedules: the metric `jobs_beat_last_tick_timestamp_seconds`."""
    found: datetime | None = _rows(connection, "last_look")[0][0]
    return found


def next_due(connection: Connection) -> dict[str, datetime]:
    """The next tick of each enabled schedule: the metric `jobs_schedule_next_due_timestamp_seconds`."""
    return dict(_rows(connection, "next_due"))


def beats(connection: Connection) -> list[LiveBeat]:
    return [LiveBeat(*row) for row in _rows(connection, "beats", alive=ALIVE)]


def troubles(connection: Connection) -> Iterator[Trouble]:
    """What is wrong, the worst first."""
    alive = beats(connection)
    waiting = _rows(connection, "standing", grace=conf.schedule_grace())
    if not alive and waiting:
        yield Trouble("no_beat", "beat", "No beat is alive, so nothing ticks. Start one: celery -A <project> beat")
    for beat in alive:
        if beat.is_wrong:
            span = timedelta(seconds=round(abs(beat.clock_offset)))
            way = "ahead of" if beat.clock_offset > 0 else "behind"
            yield Trouble("clock", beat.name, f"Its machine's clock is {span} {way} the database's. Ticks are right; "
                          "correct the clock.")  # fmt: skip
    for name, due, late, problem, paused_why in waiting:
        if problem:
            yield Trouble("unreadable", name, f"It does not tick: {problem} Correct it in the admin.")
        elif late:
            yield Trouble("late", name, f"Its tick of {due:%Y-%m-%d %H:%M:%S %Z} has not been accounted for.")
        if paused_why:
            yield Trouble("paused", name, f"Its ticks are skipped: {paused_why}. Resume it: "
                          f"manage.py jobs resume-schedule '{name}' --reason …")  # fmt: skip


def _rows(connection: Connection, name: str, /, **params: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement(name), params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
