"""What else may arrive at a worker: Celery's canvas, raw messages, forged hints, work for a newer release."""

import json
from uuid import uuid4

import pytest
from celery import chain, current_app, group
from django.db import connection

from idempotency import queues
from idempotency.models import Record
from jobs import hints, registry
from jobs.metrics import by_task
from jobs.models import Measure
from jobs.relay import Relay
from tests.app.models import Effect
from tests.app.tasks import Echo, FailForGood, FailTimes, Mark, mark_each_time
from tests.processes import wait_until
from tests.records import enqueue

WAIT = 20


def came(became: str) -> int:
    """Messages without a record, as workers have told by now."""
    labels = json.dumps(["tests.app.Mark", became])
    return sum(m.count for m in Measure.objects.filter(metric=by_task.UNRECORDED, labels=labels, minute__year=1970))


def settled() -> bool:
    return not Record.objects.filter(state__in=["queued", "processing"], parked_reason=None).exists()


def test_canvas_goes_through_the_records(spawn_worker, spawn_relay):
    spawn_worker()
    spawn_relay()
    last = chain(FailTimes.s("first", 0), Echo.s(), Mark.si("after two")).apply_async()
    last.get(timeout=120)
    first, second, third = Record.objects.order_by("created_at")
    assert second.payload == {"value": first.result}
    assert str(third.id) == last.id
    assert third.options["parent_id"] == str(second.id)

    all_of_them = group(Mark.si(f"member {i}") for i in range(3)).apply_async()
    assert [result.get(timeout=120) for result in all_of_them.results] == [None] * 3
    assert all_of_them.ready()
    assert all_of_them.successful()

    Echo.apply_async(("linked",), link=mark_each_time.si("behind"))
    wait_until(Effect.objects.filter(name="behind").exists, WAIT)

    FailForGood.apply_async(("fails",), link_error=mark_each_time.si("behind an error"), link=Mark.si("never"))
    wait_until(Effect.objects.filter(name="behind an error").exists, WAIT)
    wait_until(settled)
    assert not Effect.objects.filter(name="never").exists()
    assert not Record.objects.exclude(state="succeeded").exclude(task=FailForGood.name).exists()


def test_a_chord_is_refused_when_it_is_asked_for(transactional_db, broker):
    with pytest.raises(NotImplementedError, match="result backend"):
        chain(group(Mark.si("a"), Mark.si("b")), Mark.si("c")).apply_async()
    assert not Record.objects.exists()


def forge(queue, body):
    with current_app.producer_pool.acquire(block=True) as producer:
        payload = ([], body, {"callbacks": None, "errbacks": None, "chain": None, "chord": None})
        producer.publish(
            payload, exchange="", routing_key=queue, headers=hints._headers(queue), serializer="json", declare=[]
        )


def test_forged_messages_and_those_without_a_record_harm_nothing(spawn_worker, broker):
    worker = spawn_worker()
    children = worker.children()
    for body in (
        {"queue": 5},
        {"queue": {"a": []}},
        {"queue": None},
        {"queue": "nowhere"},
        {"queue": "default'; DROP TABLE idempotency_record; --"},
        {},
        {"id": str(uuid4())},
    ):
        forge("default", body)
    broker.put_strange("default")
    current_app.send_task("tests.app.Mark", kwargs={"name": "raw"}, queue="default")
    current_app.send_task("tests.app.NoSuchTask", queue="default")
    queues.pause(connection, "default", duration=None, reason="so that no hint is sent", by="test")
    Mark.enqueue(name="an ordinary one")
    queues.resume(connection, "default")
    forge("default", {"queue": "default", "state": "succeeded", "attempts": 9, "eta": "2001-01-01"})
    wait_until(Effect.objects.filter(name="an ordinary one").exists, WAIT)
    assert worker.children() == children
    assert Record.objects.count() == 1


def test_a_raw_message_is_refused_and_says_what_to_do(spawn_worker, broker):
    worker = spawn_worker()
    current_app.send_task("tests.app.Mark", kwargs={"name": "raw"}, queue="default")
    worker.wait_for_log("a raw Celery message without a record is refused")
    assert "JOBS_ADOPT_UNRECORDED" in worker.log()
    assert not Record.objects.exists()
    assert not Effect.objects.exists()
    wait_until(lambda: came("refused") == 1, WAIT)


def test_a_raw_message_is_adopted_while_a_migration_says_so(spawn_worker, spawn_relay, broker):
    spawn_worker(env={"TESTS_ADOPT": "1"})
    for _ in range(2):
        current_app.send_task("tests.app.Mark", kwargs={"name": "raw"}, queue="default")
    wait_until(Effect.objects.filter(name="raw").exists, WAIT)
    wait_until(settled)
    assert Record.objects.get().state == "succeeded"
    assert Effect.objects.count() == 1
    wait_until(lambda: came("adopted") == 2, WAIT)


def test_work_for_a_newer_release_waits_for_a_worker_that_knows_it(spawn_worker, transactional_db, broker):
    enqueue(connection, None, task="tests.app.NotYetWritten")
    enqueue(connection, None, task="tests.app.Echo", payload_version=2)
    relay = Relay()
    relay.tick()
    spawn_worker()
    wait_until(lambda: Record.objects.filter(parked_reason__isnull=False).count() == 2, WAIT)
    assert set(Record.objects.values_list("state", "attempt")) == {("queued", 0)}

    about = {"pid": 1, "slots": 1, "busy": 0}
    newer = {"tests.app.NotYetWritten": 1, "tests.app.Echo": 2}
    registry.report(connection, name="elsewhere", queues=["critical"], tasks=newer, **about)
    registry.report(connection, name="older", queues=["default"], tasks={"tests.app.Echo": 1}, **about)
    assert relay.tick().unparked == 0
    registry.report(connection, name="newer", queues=["default"], tasks=newer, **about)
    assert relay.tick().unparked == 2
    relay.close()
