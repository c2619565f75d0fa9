"""One turn of one schedule: its due ticks, their records and its new position, all in one transaction.

Whoever holds the lock on the schedule's position takes the turn. Any number of beats may try; one that dies leaves
nothing behind, for nothing is outside the transaction but the hint, which may be lost.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

from django.db import transaction

from jobs import conf, log_events, observers
from jobs.schedules import asking, times
from jobs.schedules.asking import Asked, UnknownTaskError, Wanted
from jobs.schedules.judging import Rules, Verdict, judge
from jobs.schedules.statements import row, run

logger = logging.getLogger(__name__)

SOON = timedelta(seconds=1)  # until the next look at a task that nobody here knows
MOST = 200  # ticks in one turn; the rest in the next, so that no transaction is long
GIVEN_UP = {"failed_permanent", "dead_lettered"}
PAUSED = "the schedule is paused: {}. Resume it with `manage.py jobs resume-schedule`"
BEFORE = "the job of the tick before it is not done (overlap: skip)"


@dataclass(frozen=True, slots=True)
class Written:
    """One row of the ledger."""

    nominal: datetime
    outcome: str
    why: str | None = None
    record_id: UUID | None = None


@transaction.atomic
def take(id_: int, beat: str) -> int:
    """Take a schedule's turn, unless somebody else has it; returns how many ticks fired."""
    taken = row("take", id=id_)
    if taken is None:
        return 0
    return Turn(id_, beat, taken).take()


@dataclass
class Turn:
    """The turn; `taken` is the row that `take.sql` locked."""

    id: int
    beat: str
    taken: dict[str, Any]
    fired: int = 0
    last_record_id: UUID | None = None
    stopped: bool = False
    told: bool = False  # that ticks are missed
    written: list[Written] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.now: datetime = self.taken["now"]
        self.name: str = self.taken["name"]
        self.spec: dict[str, Any] = json.loads(self.taken["timing"])
        self.last_record_id = self.taken["last_record_id"]
        self.paused_at, self.paused_why = self.taken["paused_at"], self.taken["paused_why"]
        zone = self.spec["crontab"][5] if "crontab" in self.spec else "UTC"
        names = set(Wanted.__dataclass_fields__) - {"zone"}
        self.wanted = Wanted(zone=zone, **{name: self.taken[name] for name in names})

    def take(self) -> int:
        self._pause_where_it_fails()
        due, next_due = self._due()
        waits = self._let_in()
        known = self._known(due)
        for verdict in judge(due, self.now, self._rules(), more=bool(next_due and next_due <= self.now)):
            if self.stopped:  # it was to tick once, and has
                break
            if verdict.nominal in known:
                continue
            try:
                self.written.append(written := self._account(verdict, waits=waits))
            except UnknownTaskError as error:
                if self.now - verdict.nominal <= conf.schedule_grace():  # perhaps a newer beat knows it
                    self._write(verdict.nominal - timedelta.resolution, self.now + SOON)
                    return self.fired
                self.written.append(written := Written(verdict.nominal, "skipped", str(error)))
                logger.warning(
                    "schedule %s: tick %s is skipped: %s",
                    self.name,
                    verdict.nominal,
                    error,
                    extra=log_events.TICK_NOT_FIRED,
                )
            waits |= written.outcome == "waiting"
        self._write(due[-1] if due else self.taken["accounted_until"], next_due)
        return self.fired

    # -- which ticks ---------------------------------------------------------------------------------------------------

    def ticks(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Those of a range, both ends included."""
        ticks = times.read(self.spec, self.taken["anchored_at"]).ticks(start - timedelta.resolution)
        return takewhile(lambda tick: tick <= end, ticks)

    def _due(self) -> tuple[list[datetime], datetime | None]:
        """The ticks up to now, not too many, and the one after them."""
        due: list[datetime] = []
        for tick in times.read(self.spec, self.taken["anchored_at"]).ticks(self.taken["accounted_until"]):
            if tick > self.now or len(due) == MOST:
                return due, tick
            due.append(tick)
        return due, None

    def _known(self, due: list[datetime]) -> set[datetime]:
        """Those that the ledger has already: a person's backfill was there before."""
        return {nominal for (nominal,) in run("written", schedule=self.name, nominals=due)} if due else set()

    def _rules(self) -> Rules:
        seconds = self.taken["expire_seconds"]
        return Rules(
            missed=self.taken["missed"],
            catch_up=self.taken["catch_up"],
            grace=conf.schedule_grace(),
            expires=None if seconds is None else timedelta(seconds=seconds),
        )

    # -- what becomes of them ------------------------------------------------------------------------------------------

    def _account(self, verdict: Verdict, *, waits: bool) -> Written:
        nominal, overlap = verdict.nominal, self.taken["overlap"]
        if not verdict.fires:
            return self._missed(nominal, verdict.why_not)
        if self.paused_at is not None:
            return Written(nominal, "skipped", PAUSED.format(self.paused_why))
        if overlap == "skip" and (waits or self._is_live()):
            return Written(nominal, "skipped", BEFORE)
        if overlap == "queue" and (waits or self._is_live()):
            return Written(nominal, "waiting", "the job of the tick before it is not done (overlap: queue)")
        return self.fire(nominal)

    def _missed(self, nominal: datetime, why: str | None) -> Written:
        if not self.told:
            observers.tell(lambda o: o.missed(self.name, self.spec))
            self.told = True
        return Written(nominal, "missed", why)

    def fire(self, nominal: datetime) -> Written:
        with observers.around(lambda o: o.ticking(self.name, nominal, self.spec)):
            asked: Asked = asking.ask(self.wanted, nominal)
        if asked.outcome == "fired":
            self.fired += 1
            self.last_record_id = asked.record_id
            self.stopped = self.taken["one_off"]
        else:
            logger.warning(
                "schedule %s: tick %s %s: %s",
                self.name,
                nominal,
                asked.outcome,
                asked.why,
                extra=log_events.TICK_NOT_FIRED,
            )
        return Written(nominal, asked.outcome, asked.why, asked.record_id)

    def _let_in(self) -> bool:
        """Fire what has waited long enough; returns whether something still waits."""
        waiting = [nominal for (nominal,) in run("waiting", schedule=self.name, most=MOST)]
        for nominal in waiting:
            late = self.now - nominal > self.taken["catch_up"]
            if late or self.paused_at is not None:
                why = "its turn did not come within its catch-up window" if late else PAUSED.format(self.paused_why)
                self._rewrite(self._missed(nominal, why))
            elif self.taken["overlap"] != "allow" and self._is_live():
                return True
            else:
                written = self._fire_or_skip(nominal)
                if written.outcome == "waiting":
                    return True
                self._rewrite(written)
        return False

    def _fire_or_skip(self, nominal: datetime) -> Written:
        try:
            return self.fire(nominal)
        except UnknownTaskError as error:
            return Written(nominal, "skipped", str(error))

    def _is_live(self) -> bool:
        return self.last_record_id is not None and bool(run("live", id=self.last_record_id)[0][0])

    def _pause_where_it_fails(self) -> None:
        most = self.taken["pause_after"]
        if not most or self.paused_at is not None:
            return
        ended = [state for (state,) in run("ended", schedule=self.name, since=self.taken["resumed_at"], most=most)]
        if len(ended) == most and set(ended) <= GIVEN_UP:
            self.paused_at, self.paused_why = self.now, f"its last {most} jobs were given up"
            logger.error("schedule %s is paused: %s", self.name, self.paused_why, extra=log_events.SCHEDULE_PAUSED)

    # -- writing it down -----------------------------------------------------------------------------------------------

    def _write(self, accounted_until: datetime, next_due: datetime | None) -> None:
        if self.written:
            run("write", schedule=self.name, task=self.wanted.task, beat=self.beat, **_columns(self.written))
        run("advance", id=self.id, accounted_until=accounted_until, next_due_at=next_due,
            last_record_id=self.last_record_id, paused_at=self.paused_at, paused_why=self.paused_why)  # fmt: skip
        if self.fired:
            run("ran", id=self.id, count=self.fired)

    def _rewrite(self, written: Written) -> None:
        run("rewrite", schedule=self.name, task=self.wanted.task, beat=self.beat, nominal=written.nominal,
            outcome=written.outcome, why=written.why, record_id=written.record_id, before=["waiting"])  # fmt: skip


def _columns(written: list[Written]) -> dict[str, list[Any]]:
    return {
        "nominals": [w.nominal for w in written],
        "outcomes": [w.outcome for w in written],
        "whys": [w.why for w in written],
        "record_ids": [w.record_id for w in written],
    }
