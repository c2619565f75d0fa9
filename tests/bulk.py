"""Bulk replays for tests: given-up jobs in any number, and a bulk replay taken through its steps by hand."""

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
from tests.records import claim, rows

# As workers leave them behind, but ten thousand in one statement: the guard of the table has no objection to an INSERT.
MAKE = """
INSERT INTO idempotency_record (id, task, queue, state, key, fingerprint, payload, payload_version, available_at,
    attempt, max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, account, account_hash, reason,
    error, created_at, finished_at)
SELECT gen_random_uuid(), %(task)s, 'default', 'dead_lettered', gen_random_uuid(), gen_random_uuid(),
    jsonb_build_object('name', %(name)s || n), 1, statement_timestamp(), 5, 5, 0, 0, false, false, 5, 0,
    'account ' || n %% 50, n %% 50, 'attempts_exhausted', 'Cause' || chr(65 + n %% %(causes)s / 26)
    || chr(65 + n %% %(causes)s %% 26) || 'Error: INV-' || n || ' was refused',
    statement_timestamp() - interval '1 day', statement_timestamp() - n * interval '1 second'
FROM generate_series(1, %(count)s) AS n
"""


def many_given_up(count: int, *, causes: int = 1, task=Mark, name: str = "job ") -> None:
    """Dead letters of a task whose parameter is a name, with so many different errors."""
    with connection.cursor() as cursor:
        cursor.execute(MAKE, {"count": count, "causes": causes, "task": task.name, "name": name})
        cursor.execute("INSERT INTO idempotency_tally (task, accepted, pruned) VALUES (%s, %s, 0)", [task.name, count])


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
    from tests.records import OOPS

    while batch := claim(connection, 200):
        for claimed in batch[:failing]:
            transitions.fail(connection, claimed, OOPS)
        transitions.succeed(connection, batch[failing:], ["null"] * len(batch[failing:])) if batch[failing:] else None
        failing = max(0, failing - len(batch))


def states() -> dict[str, int]:
    found: dict[str, int] = {}
    for state in rows(connection, "state").values():
        found[state] = found.get(state, 0) + 1
    return found


def record_of(found: BulkReplay, number: int) -> Record:
    return Record.objects.get(id=BulkItem.objects.get(bulk=found, number=number).record_id)
