"""Ending jobs by Celery's control commands, as Flower's buttons send them: by the job's own id."""

from celery import current_app

from idempotency.models import Attempt, Record
from jobs.models import Decision
from jobs.worker.terminating import ENDED, WITHDRAWN
from tests.app.models import Effect
from tests.app.tasks import Mark, WaitForFile
from tests.processes import wait_until
from tests.review import address, decide, person, take

LONG = {"TESTS_LEASE": "3600"}  # nothing here may come of a lease that runs out


def state_of(job) -> str:
    return Record.objects.get(id=job.id).state


def test_a_running_job_is_cancelled_with_its_process_and_its_batch_mates_are_returned_untouched(
    spawn_worker, spawn_relay, tmp_path
):
    mates = [Mark.enqueue(name=f"mate {n}") for n in range(2)]
    stuck = WaitForFile.using(priority=100).enqueue(name="stuck", path=str(tmp_path / "never"))
    worker = spawn_worker(env=LONG)
    spawn_relay(env=LONG)
    pid = wait_until(lambda: Effect.objects.filter(name="stuck").values_list("pid", flat=True).first())
    current_app.control.revoke(str(stuck.id), terminate=True)
    wait_until(lambda: state_of(stuck) == "failed_permanent")
    ended = Record.objects.get(id=stuck.id)
    assert (ended.reason, ended.error) == ("cancelled", ENDED)
    assert Attempt.objects.get(record_id=stuck.id).outcome == "terminate"
    assert Decision.objects.get(record_id=stuck.id).by == "remote control"
    wait_until(lambda: all(state_of(mate) == "succeeded" for mate in mates))
    for mate in Record.objects.filter(id__in=[mate.id for mate in mates]):
        assert (mate.attempt, mate.deaths, mate.solo, mate.given_back) == (1, 0, False, 0)
    assert not Attempt.objects.exclude(record_id=stuck.id).exists()
    wait_until(lambda: pid not in worker.children(), message="the process that ran it is gone")
    assert worker.alive


def test_a_waiting_job_is_withdrawn_and_a_running_one_left_alone_where_nobody_said_terminate(spawn_worker, tmp_path):
    running = WaitForFile.enqueue(name="running", path=str(tmp_path / "go"))
    spawn_worker(env=LONG)
    wait_until(lambda: Effect.objects.filter(name="running").exists())
    waiting = Mark.enqueue(name="waiting")
    current_app.control.revoke([str(running.id), str(waiting.id), "no id of ours"])
    wait_until(lambda: state_of(waiting) == "failed_permanent")
    assert Record.objects.get(id=waiting.id).error == WITHDRAWN
    (tmp_path / "go").touch()
    wait_until(lambda: state_of(running) == "succeeded")
    assert not Effect.objects.filter(name="waiting").exists()


def test_a_person_cancels_a_running_job_and_may_replay_it(client, spawn_worker, spawn_relay, tmp_path):
    job = WaitForFile.enqueue(name="stuck", path=str(tmp_path / "go"))
    spawn_worker(env=LONG)
    spawn_relay(env=LONG)
    wait_until(lambda: Effect.objects.filter(name="stuck").exists())
    client.force_login(person("view_record", "cancel_record", "replay_record", name="ann"))
    running = Record.objects.get(id=job.id)
    assert "its worker was told to end it" in decide(client, running, "cancel").content.decode()
    wait_until(lambda: state_of(job) == "failed_permanent")
    ended = Record.objects.get(id=job.id)
    assert ended.reason == "cancelled"
    assert "Somebody cancelled it" in client.get(address(ended, "replay")).content.decode()
    (tmp_path / "go").touch()
    decide(client, ended, "replay")
    wait_until(lambda: state_of(job) == "succeeded", 30)
    decisions = Decision.objects.filter(record_id=job.id).order_by("id").values_list("action", "by")
    assert list(decisions) == [("cancel", "ann"), ("cancel", "remote control"), ("replay", "ann")]


def test_a_cancel_that_no_worker_can_hear_says_so(client, broker, transactional_db):
    claimed = take(Mark.enqueue(name="running"))
    client.force_login(person("view_record", "cancel_record", name="ann"))
    broker.stop()
    page = decide(client, Record.objects.get(id=claimed.id), "cancel").content.decode()
    assert "Nothing was done: its worker could not be told: the broker is away" in page
    assert not Decision.objects.exists()
