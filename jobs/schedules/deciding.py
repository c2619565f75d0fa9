"""What a person decides about a schedule: backfill a range of its ticks, or resume it. Each with its reason."""

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import transaction
from django_celery_beat.models import PeriodicTask

from jobs.models import Decision
from jobs.review.decisions import note
from jobs.schedules.asking import UnknownTaskError
from jobs.schedules.firing import Turn, Written
from jobs.schedules.models import Tick
from jobs.schedules.statements import row, run

MOST = 1_000  # ticks of one backfill: what a person means to do, and one transaction holds
AGAIN = [Tick.Outcome.MISSED, Tick.Outcome.SKIPPED]


class BackfillError(ValueError):
    """The backfill cannot be done as asked, with the remedy."""


@dataclass(frozen=True, slots=True)
class Filled:
    """One tick of the range, and what became of it: backfilled, or left and why."""

    nominal: datetime
    outcome: str
    why: str | None


@transaction.atomic
def backfill(name: str, start: datetime, end: datetime, *, by: str, why: str, dry_run: bool = False) -> list[Filled]:
    """Fire the ticks from `start` to `end` that never fired; what fired is left alone. All or none.

    Raises:
        BackfillError: there is no such schedule, the range is not over, or it has too many ticks.
    """
    turn = _turn(name, by)
    if end > turn.now:
        raise BackfillError(f"the range ends at {end}, which is not over. What is to come, beats fire.")
    with_rest = turn.ticks(start, end)
    nominals = list(islice(with_rest, MOST + 1))
    if len(nominals) > MOST:
        raise BackfillError(f"the range has more than {MOST:,} ticks. Backfill it in parts.")
    known = dict(Tick.objects.filter(schedule=name, nominal__in=nominals).values_list("nominal", "outcome"))
    if dry_run:
        return [_would(nominal, known.get(nominal)) for nominal in nominals]
    filled = [_fill(turn, nominal, known.get(nominal)) for nominal in nominals]
    done = sum(one.outcome == "backfilled" for one in filled)
    note(Decision.Action.BACKFILL, by=by, why=why,
         after={"schedule": name, "from": start.isoformat(), "to": end.isoformat(), "ticks": done})  # fmt: skip
    return filled


def _turn(name: str, by: str) -> Turn:
    """The schedule's turn: no beat fires one of its ticks meanwhile."""
    found = PeriodicTask.objects.filter(name=name).values_list("pk", flat=True).first()
    taken = None if found is None else row("hold", id=found)
    if found is None or taken is None:
        raise BackfillError(f"there is no schedule {name!r} that ticks. `manage.py jobs schedules` shows them.")
    return Turn(found, by, taken)


def _would(nominal: datetime, known: str | None) -> Filled:
    """What a backfill does with a tick, by what the ledger has of it."""
    if known is None or known in AGAIN:
        return Filled(nominal, "backfilled", None)
    return Filled(nominal, known, "it waits for its turn" if known == "waiting" else "it has been fired before")


def _fill(turn: Turn, nominal: datetime, known: str | None) -> Filled:
    if (left := _would(nominal, known)).outcome != "backfilled" or known == "backfilled":
        return left
    try:
        written = turn.fire(nominal)
    except UnknownTaskError as error:
        raise BackfillError(str(error)) from error
    if written.outcome != "fired":
        return Filled(nominal, known or "left", written.why)
    _keep(turn, Written(nominal, "backfilled", None, written.record_id), is_new=known is None)
    return Filled(nominal, "backfilled", None)


def _keep(turn: Turn, written: Written, *, is_new: bool) -> None:
    about: dict[str, Any] = {"schedule": turn.name, "task": turn.wanted.task, "beat": turn.beat}
    if is_new:
        run("write", **about, nominals=[written.nominal], outcomes=[written.outcome], whys=[None],
            record_ids=[written.record_id])  # fmt: skip
    else:
        run("rewrite", **about, nominal=written.nominal, outcome=written.outcome, why=None,
            record_id=written.record_id, before=AGAIN)  # fmt: skip


@transaction.atomic
def resume(name: str, *, by: str, why: str) -> bool:
    """Let a paused schedule tick again; its earlier failures count no more. False: it was not paused."""
    rows = run("resume", name=name)
    if rows:
        note(Decision.Action.RESUME, by=by, why=why, before={"schedule": name, "paused_why": rows[0][0]})
    return bool(rows)
