"""A parent hands a hint to a child that waits at once, and not in its event loop's next round."""

from types import SimpleNamespace

import pytest
from celery import current_app
from celery.concurrency.prefork import TaskPool
from celery.worker.request import create_request_cls
from django.db import connection
from kombu.asynchronous import Hub, get_event_loop, set_event_loop
from kombu.utils.uuid import uuid

from idempotency.models import Record
from jobs import hints
from jobs.worker.hint_request import HintRequest
from tests.app.tasks import Mark
from tests.processes import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pool():
    """A worker's two processes, and its event loop, which from now on stands still."""
    before, loop = get_event_loop(), Hub()
    set_event_loop(loop)
    connection.close()  # a fork must not share it
    found = TaskPool(2, app=current_app, initargs=(current_app, "celery@here"), threads=False, putlocks=False)
    found.start()
    found.register_with_event_loop(loop)
    loop.call_repeatedly(0.05, lambda: None)
    rounds = loop.create_loop()
    wait_until(lambda: next(rounds) or len(found._pool._all_inqueues) == 2, 10, "both processes are there")
    yield found
    found.terminate()
    loop.close()
    set_event_loop(before)


def hand_on(pool):
    task = current_app.tasks[hints.TASK]
    kind = create_request_cls(HintRequest, task, pool, "celery@here", None, app=current_app)
    headers = {"id": uuid(), "task": hints.TASK}
    message = SimpleNamespace(headers=headers, body=b"", content_type=None, content_encoding=None, delivery_info={},
                              properties={}, payload=([], {"queue": Mark.queue}, {}))  # fmt: skip
    request = kind(message, app=current_app, hostname="celery@here", task=task)
    return request.execute_using_pool(pool)


def test_a_hint_is_with_its_child_before_the_loops_next_round(pool):
    job = Mark.enqueue(name="waits")
    hand_on(pool)
    assert not pool._pool.outbound_buffer
    wait_until(lambda: Record.objects.get(id=job.id).state == "succeeded", 30)


def test_what_no_child_waits_for_is_left_to_the_loop(pool):
    results = [hand_on(pool) for _ in range(5)]
    assert list(pool._pool.outbound_buffer) == results[2:]
