"""A broker that forgets, dies and comes back, and a relay that does: every job is done."""

import io

import pytest
from celery import current_app
from django.db import connection

from idempotency.models import Record
from jobs import hints
from tests.app.models import Effect
from tests.app.tasks import Mark, Sleep, WaitForFile
from tests.processes import wait_until
from tests.records import assert_balanced


def done() -> int:
    return Record.objects.filter(state="succeeded").count()


def enqueue(name: str, count: int) -> None:
    Sleep.enqueue_many({"name": f"{name} {i}", "seconds": 0.004} for i in range(count))


def in_the_middle(count: int) -> None:
    before = done()
    wait_until(lambda: done() >= before + count // 4, 30)  # a worker on RabbitMQ may need ten to hear again


def all_done(count: int) -> None:
    wait_until(lambda: done() == count, 60, f"{count} jobs are done")


def test_no_job_is_lost_with_the_brokers_memory_its_process_or_the_relays(spawn_worker, spawn_relay, broker):
    spawn_worker(concurrency=2)
    relay = spawn_relay()
    enqueue("wiped", 500)
    in_the_middle(500)
    broker.flush()
    all_done(500)

    enqueue("killed", 500)
    in_the_middle(500)
    broker.kill()
    enqueue("asked for while it is down", 50)
    broker.restart()
    all_done(1050)

    enqueue("without a relay", 500)
    in_the_middle(500)
    relay.kill()
    broker.flush()
    spawn_relay()
    all_done(1550)
    assert_balanced(connection)
    assert set(Record.objects.values_list("attempt", flat=True)) == {1}


def test_hints_that_cannot_be_put_back_are_dropped_and_not_written_to_a_file(broker, database):
    if broker.name == "rabbitmq":
        pytest.skip("RabbitMQ puts them back by itself")
    hints.send("default")
    with current_app.connection_for_read() as connection, connection.channel() as channel:
        assert channel.basic_get("default", no_ack=False)
        broker.kill()
        told = io.StringIO()
        channel.qos.restore_unacked_once(stderr=told)
    assert "Restoring 1" in told.getvalue()
    assert "EMERGENCY" not in told.getvalue()


@pytest.fixture
def impatient(broker):
    """A RabbitMQ that gives a consumer one second to acknowledge a message, instead of half an hour."""
    if broker.name != "rabbitmq":
        pytest.skip("only RabbitMQ waits for acknowledgements: tests/servers/test_rabbitmq.py runs this on one")
    patience = (
        "application:set_env(rabbit, consumer_timeout, {}), application:set_env(rabbit, channel_tick_interval, {})."
    )
    broker.control("eval", patience.format(1_000, 500))
    yield
    broker.control("eval", patience.format(1_800_000, 60_000))


def test_a_hint_that_waited_too_long_behind_a_job_costs_its_worker_a_connection_and_nothing_else(
    spawn_worker, impatient, tmp_path
):
    worker = spawn_worker()
    children = worker.children()
    job = WaitForFile.enqueue(name="long", path=str(tmp_path / "go"))
    wait_until(Effect.objects.filter(name="long").exists)
    hints.send("default", 3)
    worker.wait_for_log("Connection to broker lost")
    (tmp_path / "go").touch()
    wait_until(Record.objects.filter(id=job.id, state="succeeded").exists)
    Mark.enqueue(name="afterwards")
    wait_until(Effect.objects.filter(name="afterwards").exists, 30)
    assert worker.children() == children
    assert set(Record.objects.values_list("attempt", flat=True)) == {1}


def test_a_worker_whose_connection_died_in_silence_makes_another(spawn_worker, spawn_relay, broker_wire):
    spawn_worker(env={"BROKER_URL": broker_wire.url, "TESTS_SILENCE": "1"})
    spawn_relay()
    Mark.enqueue(name="before")
    wait_until(Effect.objects.filter(name="before").exists)
    broker_wire.half_open()
    Mark.enqueue(name="behind")
    wait_until(Effect.objects.filter(name="behind").exists, 30)
    broker_wire.heal()
