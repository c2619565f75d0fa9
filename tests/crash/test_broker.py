"""A broker that forgets, dies and comes back, and a relay that does: every job is done."""

from django.db import connection

from idempotency.models import Record
from tests.app.tasks import Sleep
from tests.processes import wait_until
from tests.records import assert_balanced


def done() -> int:
    return Record.objects.filter(state="succeeded").count()


def enqueue(name: str, count: int) -> None:
    Sleep.enqueue_many({"name": f"{name} {i}", "seconds": 0.004} for i in range(count))


def in_the_middle(count: int) -> None:
    before = done()
    wait_until(lambda: done() >= before + count // 4)


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
