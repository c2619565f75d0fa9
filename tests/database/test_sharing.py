"""What a process has claimed and not begun is shared with a process of the same worker that has nothing to do."""

import time

import pytest

from jobs.worker import shared
from jobs.worker.batch import Batch
from jobs.worker.keeper import LeaseKeeper
from tests.app.tasks import Echo
from tests.bulk import states
from tests.processes import wait_until
from tests.records import claim


@pytest.fixture
def batch(committing):
    """Of eight, of which two are done and one is running, after a second."""
    Echo.enqueue_many({"value": number} for number in range(8))
    found = Batch(claim(committing, queue=Echo.queue))
    jobs = found.jobs()
    for _ in range(3):
        next(jobs)
    found.claimed_at -= 1
    shared.reset()
    yield found
    shared.reset()


@pytest.fixture
def keeper():
    watching = LeaseKeeper("jobs test")
    yield watching
    watching._own.close()


def test_half_of_what_waits_goes_back_when_a_process_idles_and_is_told_of(batch, keeper, broker):
    broker.flush()
    shared.set_child(3, shared.IDLE)
    waiting = batch.held()[3:]
    keeper._look(batch)
    assert states() == {"queued": 3, "processing": 5}
    assert batch.held()[3:] == waiting[:2]
    assert [claimed for claimed, _ in batch.jobs()] == waiting[:2]
    wait_until(lambda: broker.length(Echo.queue) == 1, 2)


@pytest.mark.parametrize("does", [shared.BUSY, shared.NONE])
def test_nothing_goes_back_while_nobody_idles(batch, keeper, does):
    shared.set_child(3, shared.IDLE)
    shared.set_child(3, does)
    keeper._look(batch)
    assert states() == {"processing": 8}


def test_what_has_slots_stays(batch, keeper):
    shared.set_child(3, shared.IDLE)
    batch.may_be_shared = False
    keeper._look(batch)
    assert states() == {"processing": 8}


def test_what_is_soon_done_stays(batch, keeper):
    shared.set_child(3, shared.IDLE)
    batch.claimed_at = time.monotonic() - 0.01
    keeper._look(batch)
    assert states() == {"processing": 8}


def test_what_waits_alone_behind_a_long_job_goes_back(batch, keeper):
    shared.set_child(3, shared.IDLE)
    jobs = batch.jobs()
    for _ in range(4):
        next(jobs)
    batch.claimed_at -= 9
    keeper._look(batch)
    assert states() == {"queued": 1, "processing": 7}
