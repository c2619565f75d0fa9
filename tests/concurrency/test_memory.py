"""A hint leaves nothing behind: a worker that is told of each job alone gets a million of them in a day."""

import pytest

from idempotency.models import Record
from jobs import hints
from tests.app.tasks import Mark
from tests.benchmarks.works.memory import of_process
from tests.processes import wait_until

FEW, MANY = 3_000, 15_000
ROOM = 2.5  # MiB; a timer for each would take a dozen
pytestmark = pytest.mark.django_db(transaction=True)


def hinted(count):
    """Send so many hints of nothing, and return when all were followed."""
    for _ in range(count // 1000):
        hints.send("default", 1000)
    job = Mark.enqueue(name=f"behind {count}")
    wait_until(lambda: Record.objects.get(id=job.id).state == "succeeded" and not hints.depth("default"), 60)


def test_a_parent_process_does_not_grow_with_the_hints_that_it_passes_on(programs):
    worker = programs.worker(concurrency=2)
    hinted(FEW)
    before = of_process(worker.pid, "Anonymous")
    hinted(MANY)
    assert of_process(worker.pid, "Anonymous") - before < ROOM
