"""`celery beat` on django-celery-beat's tables, any number of times at once.

A beat holds nothing: it reads what is due by the database's clock, and takes each schedule's turn in a transaction. Its
own clock only says how long to sleep.
"""

import logging
import os
import random
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from celery.beat import Scheduler as CelerysScheduler
from django.db import InterfaceError, OperationalError, close_old_connections, connection

from jobs import conf, log_events
from jobs.schedules import adopting, firing
from jobs.schedules.statements import run

logger = logging.getLogger(__name__)

LONGEST_REST = 1.0  # seconds between two looks: how long an edit waits to be seen
SHORTEST_REST = 0.02  # seconds: another beat may have the turn of what is due
AWAY_REST = 1.0  # seconds until a database that was away is asked again
REPORT_EVERY = 5.0  # seconds between two reports of a beat
HOUSEKEEPING = 60.0  # seconds between two rounds of what nobody waits for
STRUCK_REST = 10.0  # seconds until a schedule whose turn failed is tried again
MOST = 200  # schedules that one look takes turns of
PRUNED = 10_000  # rows of the ledger deleted at a time


class Beat:
    """One beat, without Celery."""

    def __init__(self, name: str | None = None) -> None:
        self.name = name or f"beat@{socket.gethostname()}:{os.getpid()}"
        self.fired = 0
        self.clock_offset = 0.0
        self._struck: dict[int, float] = {}
        self._edits = _Every(LONGEST_REST, adopting.follow_edits)
        self._report = _Every(REPORT_EVERY, self._say)
        self._housekeeping = _Every(HOUSEKEEPING, _housekeep)

    def look(self) -> float:
        """Fire what is due; returns the seconds until the next look. Raises Django's errors of a database away."""
        before = time.time()
        now, _ = self._now()
        self.clock_offset = (before + time.time()) / 2 - now.timestamp()
        self._edits()
        for (id_,) in random.sample(due := run("due", most=MOST), len(due)):  # beats must not all go the same way
            self._take(id_)
        self._report()
        self._housekeeping()
        now, next_due = self._now()
        wait = LONGEST_REST if next_due is None else (next_due - now).total_seconds()
        return min(max(wait, SHORTEST_REST), LONGEST_REST)

    def _take(self, id_: int) -> None:
        """One schedule's turn; what is wrong with one must not stop the others."""
        if time.monotonic() < self._struck.get(id_, 0):
            return
        try:
            self.fired += firing.take(id_, self.name)
            self._struck.pop(id_, None)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            self._struck[id_] = time.monotonic() + STRUCK_REST
            logger.exception(
                "schedule %d: its turn failed; it is tried again in %.0f s",
                id_,
                STRUCK_REST,
                extra=log_events.SCHEDULE_FAILED,
            )

    def _now(self) -> tuple[datetime, datetime | None]:
        now, next_due = run("now")[0]
        return now, next_due

    def _say(self) -> None:
        run("report", name=self.name, fired=self.fired, clock_offset=self.clock_offset)
        if abs(self.clock_offset) > conf.clock_tolerance().total_seconds():
            way = "ahead of" if self.clock_offset > 0 else "behind"
            logger.error(
                "this machine's clock is %s %s the database's; ticks follow the database's. Correct it.",
                timedelta(seconds=round(abs(self.clock_offset))), way, extra=log_events.CLOCK_WRONG)  # fmt: skip


class _Every:
    """Calls something at most every so many seconds."""

    def __init__(self, seconds: float, what: Callable[[], None]) -> None:
        self._seconds, self._what, self._next = seconds, what, 0.0

    def __call__(self) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self._seconds
            self._what()


def _housekeep() -> None:
    run("forget_beats")
    run("orphaned")
    run("prune", retention=conf.retention(), most=PRUNED)


class Scheduler(CelerysScheduler):
    """What `celery beat` runs: `celery -A project beat -S jobs.schedules.beat:Scheduler`, the default of our apps."""

    def setup_schedule(self) -> None:
        self.beat = Beat()
        if self.app.conf.beat_schedule:
            logger.warning(
                "CELERY_BEAT_SCHEDULE is not read; declare Schedule(…) and run `jobs sync-schedules`.",
                extra=log_events.SCHEDULE_WRONG,
            )

    def tick(self, *_: Any, **__: Any) -> float:
        try:
            close_old_connections()
            return self.beat.look()
        except (OperationalError, InterfaceError) as error:
            logger.warning("the database is away: %s", error, extra=log_events.DATABASE_AWAY)
            connection.close()
            return AWAY_REST

    def should_sync(self) -> bool:
        return False

    def close(self) -> None:
        """Nothing: Celery calls this from a signal's handler, in the middle of whatever statement runs."""

    @property
    def info(self) -> str:
        return "    . clock -> the database's"
