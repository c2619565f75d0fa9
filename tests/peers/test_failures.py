"""Seven ways in which other packages lose, double or strand a job, tried on this one with real processes.

`python -m tests.peers` runs the same against those packages and prints the figures side by side.
"""

import time
from pathlib import Path

import pytest
from django.db import connection, transaction

from idempotency import transitions
from idempotency.models import Attempt, Record
from jobs import KeyConflict
from tests.app.charging import BookSlowly, Charge, ChargeWithoutLooking, KillWholeWorker, OutlastLease, entries
from tests.app.models import Effect
from tests.app.tasks import MarkAlone, Sleep, WaitForFile
from tests.processes import wait_until
from tests.records import assert_balanced

LEASE = 5  # seconds: a worker that a busy machine holds up for some of them keeps its job
SHORT = {"TESTS_LEASE": str(LEASE)}
REAPED_AND_BEGUN = 40  # seconds on a busy machine for the reaper's tick, a hint and a claim; the usual lease is 60


@pytest.fixture
def files(tmp_path):
    """Paths by the parameters' names that tasks give them."""
    return lambda *names: {name: str(tmp_path / name) for name in names}


def state(job) -> str:
    return Record.objects.values_list("state", flat=True).get(id=job.id)


def ended(job) -> bool:
    return state(job) in {"succeeded", "failed_permanent", "dead_lettered"}


def let_go(path: str) -> None:
    Path(path).touch()


def test_jobs_committed_before_the_broker_died_and_came_back_empty_all_run(broker, spawn_worker, spawn_relay):
    jobs = [MarkAlone.enqueue(name=f"job {number}") for number in range(50)]
    assert broker.length("default") > 0, "hints are published"
    broker.kill()
    broker.restart()
    broker.flush()  # whatever its disk had kept
    spawn_relay()
    spawn_worker(concurrency=2)
    wait_until(lambda: Record.objects.filter(state="succeeded").count() == len(jobs), 30)
    assert sorted(Effect.objects.values_list("name", flat=True)) == sorted(f"job {number}" for number in range(50))
    assert_balanced(connection)


def test_an_effect_in_the_database_happens_once_though_its_worker_was_killed(spawn_worker, spawn_relay, files):
    first = spawn_worker(env=SHORT)
    paths = files("reached", "go")
    job = BookSlowly.enqueue(invoice="INV-1", **paths)
    wait_until(Path(paths["reached"]).exists, 30, "the effect is written, and not committed")
    first.kill()
    let_go(paths["go"])
    spawn_relay(env=SHORT)
    spawn_worker(env=SHORT)
    wait_until(lambda: ended(job), 30)
    assert (state(job), Record.objects.get().attempt) == ("succeeded", 2)
    assert list(Effect.objects.values_list("name", "attempt")) == [("INV-1", 2)]


@pytest.mark.parametrize("task", [Charge, ChargeWithoutLooking])
def test_a_charge_whose_worker_was_killed_right_after_it_is_not_made_again(spawn_worker, spawn_relay, files, task):
    first = spawn_worker(env=SHORT)
    paths = files("ledger", "go")
    job = task.enqueue(invoice="INV-1", **paths)
    wait_until(lambda: entries(paths["ledger"]), 30, "charged")
    first.kill()
    let_go(paths["go"])
    spawn_relay(env=SHORT)
    spawn_worker(env=SHORT)
    wait_until(lambda: ended(job), 30)
    assert entries(paths["ledger"]) == ["INV-1"]
    outcome = ("succeeded", None) if task is Charge else ("dead_lettered", "unknown_outcome")
    assert (state(job), Record.objects.get().reason) == outcome


def test_a_job_that_takes_its_whole_worker_down_stops_as_a_dead_letter_with_its_reason(spawn_worker, spawn_relay):
    job = KillWholeWorker.enqueue(name="poison")
    spawn_relay(env=SHORT)
    workers = 0
    while not ended(job):
        worker = spawn_worker(env=SHORT, ready=False)
        workers += 1
        wait_until(lambda worker=worker: ended(job) or not worker.alive, 30)
    record = Record.objects.get(id=job.id)
    assert (record.state, record.reason, record.deaths) == ("dead_lettered", "poison", transitions.POISON_DEATHS)
    assert Effect.objects.count() == transitions.POISON_DEATHS
    assert workers <= transitions.POISON_DEATHS + 1, "the last worker found nothing to die of"
    assert Attempt.objects.filter(record=record).count() == transitions.POISON_DEATHS


def test_a_job_longer_than_the_lease_runs_once_between_two_healthy_workers(spawn_worker, spawn_relay):
    spawn_relay(env=SHORT)
    for _ in range(2):
        spawn_worker(env=SHORT, ready=False)
    job = OutlastLease.enqueue(name="long", seconds=2.5 * LEASE)
    wait_until(lambda: ended(job), 60)
    assert list(Effect.objects.order_by("at").values_list("name", flat=True)) == ["long began", "long ended"]
    assert (state(job), Record.objects.get().attempt) == ("succeeded", 1)
    assert not Attempt.objects.exists()


def test_the_key_of_a_killed_job_answers_with_its_state_and_the_job_completes(spawn_worker, spawn_relay, files):
    first = spawn_worker(env=SHORT)
    (go,) = files("go").values()
    asked = {"name": "once", "path": go}
    job = WaitForFile.enqueue(**asked)
    wait_until(lambda: Effect.objects.count() == 1, 30)
    first.kill()
    for _ in range(5):
        again = WaitForFile.enqueue(**asked)
        assert (again.id, again.created, again.state) == (job.id, False, "processing")
    spawn_relay(env=SHORT)
    wait_until(lambda: WaitForFile.enqueue(**asked).state == "queued", 10, "the lease ran out; the answer says so")
    spawn_worker(env=SHORT)
    wait_until(lambda: WaitForFile.enqueue(**asked).state == "processing", 30)
    let_go(go)
    wait_until(lambda: WaitForFile.enqueue(**asked).state == "succeeded", 30)
    assert WaitForFile.enqueue(name="another", path=go).created, "the task works for others"


def test_a_killed_workers_job_runs_again_within_a_lease_and_keeps_its_history(spawn_worker, spawn_relay, files):
    first = spawn_worker(env=SHORT)
    (go,) = files("go").values()
    job = WaitForFile.enqueue(name="stranded", path=go)
    wait_until(lambda: Effect.objects.count() == 1, 30)
    owner = Record.objects.get().claimed_by
    spawn_worker(env=SHORT)
    spawn_relay(env=SHORT)
    first.kill()
    died = time.monotonic()
    wait_until(lambda: Effect.objects.count() == 2, 30, "another worker has it")
    assert time.monotonic() - died < LEASE + REAPED_AND_BEGUN
    let_go(go)
    wait_until(lambda: ended(job), 30)
    assert (state(job), Record.objects.get().attempt) == ("succeeded", 2)
    assert list(Attempt.objects.values_list("attempt", "outcome", "worker")) == [(1, "reap", owner)]


def test_a_duplicate_caught_inside_a_transaction_leaves_the_callers_rows_alone(database):
    Sleep.enqueue(name="taken", seconds=1)
    with transaction.atomic():
        Effect.objects.create(name="before")
        assert not Sleep.enqueue(name="taken", seconds=1).created
        Effect.objects.create(name="between")
        with pytest.raises(KeyConflict):
            Sleep.enqueue(name="taken", seconds=2)
        Effect.objects.create(name="after")
    assert set(Effect.objects.values_list("name", flat=True)) == {"before", "between", "after"}
