"""Bulk replays for tests: one taken through its steps by hand, and what workers make of it."""

from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from idempotency import transitions
from idempotency.models import Record
from jobs.models import BulkItem, BulkReplay
from jobs.review import bulk, bulk_driver
from jobs.review.bulk import Pace
from jobs.review.scope import Scope
from tests.app.tasks import Mark
from tests.dead_letters import make
from tests.records import OOPS, claim, rows


def many_given_up(count: int, *, causes: int = 1, task=Mark, name: str = "job ") -> None:
    """Dead letters of a task whose parameter is a name, with so many different errors."""
    make(connection, count, task=task.name, queue="default", causes=causes, parameter="name", prefix=name)


def begun(*, by: str = "ann", scope: Scope | None = None, red: bool = False, **pace) -> BulkReplay:
    """A bulk replay that the relay may drive."""
    found = bulk.draft(scope or Scope(), by=by)
    bulk.start(found, Pace(**pace), by=by, why="the vendor is back", red=red)
    found.refresh_from_db()
    return found


def step(found: BulkReplay, *, seconds: float = 10) -> str:
    """As the relay steps, so many seconds after its last step; returns the state. A second and more count as one."""
    BulkReplay.objects.filter(pk=found.pk).update(paced_at=Now() - timedelta(seconds=seconds))
    bulk_driver.step(found.pk)
    found.refresh_from_db()
    return found.state


def answers(found: BulkReplay) -> list[str | None]:
    return list(BulkItem.objects.filter(bulk=found).order_by("number").values_list("answer", flat=True))


def run_all(*, failing: int = 0) -> None:
    """What workers would do with all that is queued: the first so many fail for good."""
    while batch := claim(connection, 200):
        for claimed in batch[:failing]:
            transitions.fail(connection, claimed, OOPS)
        if rest := batch[failing:]:
            transitions.succeed(connection, rest, ["null"] * len(rest))
        failing = max(0, failing - len(batch))


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in rows(connection, "state").values():
        found[state] = found.get(state, 0) + 1
    return found


def record_of(found: BulkReplay, number: int) -> Record:
    return Record.objects.get(id=BulkItem.objects.get(bulk=found, number=number).record_id)
