"""New and edited schedules: whoever sees one first writes down the times that it stands on from now on."""

import json
import logging
from datetime import datetime, timedelta
from typing import Any

from jobs import log_events
from jobs.schedules import times
from jobs.schedules.statements import run

logger = logging.getLogger(__name__)


def follow_edits() -> None:
    """Retire what was disabled, and adopt what is new or has other times."""
    run("retire")
    _follow(None)


def follow_saved(sender: Any, instance: Any, *, raw: bool = False, **_: Any) -> None:
    """Adopt in the transaction of whoever saved it: no beat need be there. Django's signal `post_save`."""
    del sender
    if not raw:
        _follow(instance.pk)  # a policy's key is its schedule's


def _follow(only: int | None) -> None:
    for id_, spec, now in run("changed", id=only):
        adopt(id_, json.loads(spec), now)


def adopt(id_: int, spec: dict[str, Any], now: datetime) -> None:
    """From now on this schedule stands on these times. What it stood on before has been accounted for."""
    since, next_due, problem = now, None, None
    try:
        if "clocked" in spec:  # its one moment may have been while no beat was there, and is late then
            since = min(now, datetime.fromisoformat(spec["clocked"]) - timedelta.resolution)
        next_due = next(iter(times.read(spec, now).ticks(since)), None)
    except times.TimingError as error:
        problem = str(error)
        logger.error(  # noqa: TRY400 - no bug
            "schedule %d does not tick: %s Correct it in the admin.", id_, problem, extra=log_events.SCHEDULE_WRONG
        )
    run("adopt", id=id_, timing=json.dumps(spec), now=now, accounted_until=since, next_due_at=next_due,
        problem=problem)  # fmt: skip
