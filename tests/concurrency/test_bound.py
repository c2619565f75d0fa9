"""Several processes at one bound, and jobs that enqueue others into a full queue."""

import sys

import pytest
from celery import chain
from django.db import connection

from idempotency.models import Record
from jobs import QueueFull, room
from tests.app.followed import AsksForRoom, FollowedInCommit, FollowedInRun, FollowsItself, Narrow
from tests.app.models import Effect
from tests.app.tasks import FailForGood, Mark, mark_each_time
from tests.processes import wait_until
from tests.records import claim, enqueue_plenty

PRODUCERS = 4
BOUND = 400
WAIT = 30
PRODUCE = """
import sys
import django; django.setup()
from pathlib import Path
from django.db import connection
from jobs import QueueFull, room
from tests.app.tasks import mark_each_time
from tests.processes import wait_until
go, size = Path(sys.argv[1]), int(sys.argv[2])
many = mark_each_time.using(queue="narrow").enqueue_many
connection.ensure_connection()
print("ready", flush=True)
wait_until(go.exists, 60)
written = 0
try:
    while True:
        many([{"name": "x"}] * size)
        written += size
except QueueFull as full:
    print("refused", full.backlog, "after", written, flush=True)
"""


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    room.forget()
    monkeypatch.setattr(room, "CHEAP", 3600)


@pytest.fixture
def produce(programs, tmp_path):
    """Lets several processes enqueue until each is refused; returns how many jobs each got in."""

    def run(size):
        go = tmp_path / "go"
        command = (sys.executable, "-c", PRODUCE, str(go), str(size))
        producers = [programs.spawn("producer", *command, env={"TESTS_BOUND": str(BOUND)}) for _ in range(PRODUCERS)]
        for producer in producers:
            producer.wait_for_log("ready")
        go.touch()
        for producer in producers:
            assert producer.wait_for_end() == 0, producer.log()
        return [int(producer.log().rpartition(" after ")[2]) for producer in producers]

    return run


@pytest.mark.parametrize("size", [1, 30])
def test_several_processes_fill_an_empty_queue_and_not_much_more(produce, size):
    written = produce(size)
    waiting = Record.objects.count()
    assert sum(written) == waiting
    assert BOUND - size < waiting <= BOUND + PRODUCERS * BOUND // 2


def test_the_less_room_there_is_the_less_is_a_bound_exceeded(produce):
    enqueue_plenty(connection, BOUND - 8, queue="narrow")
    written = produce(1)
    assert 8 <= sum(written) <= 8 + PRODUCERS * 4


def fill():
    enqueue_plenty(connection, 10, queue="narrow", task="tests.nobody_knows_it")
    with pytest.raises(QueueFull):
        Narrow.enqueue(name="refused")


def test_a_job_whose_effect_is_done_is_not_failed_by_a_queue_that_is_full(spawn_worker, spawn_relay):
    fill()
    jobs = [task.enqueue(name="a") for task in (FollowedInRun, FollowedInCommit)]
    chain(Mark.si("first"), Narrow.si("last")).apply_async()
    FailForGood.apply_async(("fails",), link_error=mark_each_time.si("behind an error").set(queue="narrow"))
    spawn_worker()
    spawn_relay()
    wait_until(lambda: Record.objects.filter(queue="narrow").count() == 10 + 3, WAIT)
    wait_until(lambda: not Record.objects.filter(queue="default", state__in=["queued", "processing"]).exists(), WAIT)
    assert set(Record.objects.filter(id__in=[job.id for job in jobs]).values_list("state", "attempt")) == {
        ("succeeded", 1)
    }
    assert Effect.objects.filter(name="a").count() == 2, "one effect of each"
    with pytest.raises(QueueFull):
        Narrow.enqueue(name="refused")


def test_a_full_queue_whose_jobs_follow_each_other_is_worked_off(spawn_worker, spawn_relay):
    FollowsItself.enqueue_many({"name": f"n{number}", "more": 2} for number in range(10))
    spawn_worker("narrow")
    spawn_relay()
    wait_until(lambda: Record.objects.filter(state="succeeded").count() == 30, WAIT)
    assert not Record.objects.exclude(state="succeeded").exists()


def test_a_job_that_asks_for_room_and_gets_none_comes_again_and_loses_no_attempt(
    spawn_worker, spawn_relay, monkeypatch
):
    fill()
    job = AsksForRoom.enqueue(name="a")
    spawn_worker()
    spawn_relay()
    wait_until(lambda: Record.objects.get(id=job.id).given_back, WAIT)
    record = Record.objects.get(id=job.id)
    assert (record.state, record.attempt) == ("queued", 0)
    assert "QueueFull: Queue narrow holds 10 of at most 10 jobs" in record.error
    assert not Effect.objects.exists()
    claim(connection, 5, queue="narrow")
    Record.objects.filter(id=job.id).update(available_at=record.created_at)
    wait_until(lambda: Record.objects.get(id=job.id).state == "succeeded", WAIT)
    assert Narrow.enqueue(name="a 1").created is False
