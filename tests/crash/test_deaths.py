"""Workers that die or freeze: their jobs are run again, once in effect, and the guilty one is found."""

import os
import signal
import time

from idempotency import transitions
from idempotency.models import Attempt, Record
from tests.app.models import Effect
from tests.app.tasks import KillWorker, Mark, WaitForFile, WaitThenCommit
from tests.processes import wait_until

SHORT, LONG = {"TESTS_LEASE": "5"}, {"TESTS_LEASE": "3600"}


def started(name: str, times: int = 1):
    return wait_until(lambda: Effect.objects.filter(name=name).count() == times, 30, f"{name} began {times} times")


def succeeded(job) -> bool:
    return Record.objects.filter(id=job.id, state="succeeded").exists()


def test_the_job_of_a_killed_process_runs_again_at_once(spawn_worker, spawn_relay, tmp_path):
    worker = spawn_worker(env=LONG)
    spawn_relay(env=LONG)
    job = WaitForFile.enqueue(name="interrupted", path=str(tmp_path / "go"))
    started("interrupted")
    os.kill(Effect.objects.get().pid, signal.SIGKILL)
    started("interrupted", times=2)  # the lease is an hour; nobody waits for it
    (tmp_path / "go").touch()
    wait_until(lambda: succeeded(job))
    assert worker.alive
    assert Record.objects.get(id=job.id).attempt == 2


def test_the_jobs_of_a_killed_worker_go_to_another_when_their_lease_has_run_out(spawn_worker, spawn_relay, tmp_path):
    first = spawn_worker(env=SHORT)
    job = WaitForFile.enqueue(name="interrupted", path=str(tmp_path / "go"))
    started("interrupted")
    spawn_worker(env=SHORT)
    spawn_relay(env=SHORT)
    first.kill()
    died = time.monotonic()
    (tmp_path / "go").touch()
    wait_until(lambda: succeeded(job), 20)
    assert time.monotonic() - died < 60, "it waited for the lease that is usual, and not for that of its worker"
    assert Effect.objects.values("pid").distinct().count() == 2


def test_a_worker_that_was_frozen_past_its_lease_cannot_finish_the_job(spawn_worker, spawn_relay, tmp_path):
    first = spawn_worker(env=SHORT)
    job = WaitThenCommit.enqueue(name="job", path=str(tmp_path / "go"))
    started("job")
    first.freeze()
    spawn_worker(env=SHORT)
    spawn_relay(env=SHORT)
    started("job", times=2)
    (tmp_path / "go").touch()
    wait_until(lambda: succeeded(job))
    before = Record.objects.values().get()
    first.thaw()
    first.wait_for_log("no longer owns the record")
    assert "attempt 1 no longer owns the record" in first.log()
    assert Record.objects.values().get() == before
    assert Effect.objects.filter(name="job committed").count() == 1


def test_a_job_that_kills_its_workers_is_found_and_its_batch_mates_lose_nothing(spawn_worker, spawn_relay):
    poison = KillWorker.enqueue(name="poison", times=99)
    mates = Mark.enqueue_many({"name": f"mate {i}"} for i in range(3))
    spawn_worker()
    spawn_relay()
    wait_until(lambda: Record.objects.filter(id=poison.id, state="dead_lettered").exists(), 90)
    record = Record.objects.get(id=poison.id)
    assert (record.reason, record.deaths) == ("poison", transitions.POISON_DEATHS)
    wait_until(lambda: Record.objects.filter(state="succeeded").count() == len(mates))
    assert set(Record.objects.filter(state="succeeded").values_list("attempt", "deaths")) == {(1, 0)}
    assert Effect.objects.filter(name="poison").count() == transitions.POISON_DEATHS + 1, "once in the batch"
    assert set(Attempt.objects.filter(record=record).values_list("outcome", flat=True)) == {"reap"}
