"""A vendor that says 429 is left alone by everybody, and no job pays for it."""

from datetime import timedelta

import pytest
from django.db import connection

from idempotency.models import Attempt, Queue, Record
from jobs import JobResult
from tests.app.models import Effect
from tests.app.tasks import Echo
from tests.app.throttled import Throttled
from tests.processes import wait_until

WAIT = timedelta(minutes=10)  # that the vendor asks for; the test ends it earlier
END_SOON = """UPDATE idempotency_queue SET paused_until = statement_timestamp() + interval '2 seconds'
    WHERE name = 'throttled' RETURNING paused_until"""


@pytest.mark.usefixtures("transactional_db")
def test_a_rate_limit_pauses_the_vendors_queue_for_all_workers_and_costs_no_attempt(spawn_worker, spawn_relay):
    for _ in range(2):
        spawn_worker(["throttled", "default"], concurrency=1)
    spawn_relay()
    jobs = Throttled.enqueue_many({"number": n, "seconds": WAIT.total_seconds()} for n in range(20))
    paused = wait_until(Queue.objects.filter(name="throttled", paused_at__isnull=False).first, timeout=20)
    assert paused.paused_until - paused.paused_at == WAIT
    calls = Effect.objects.filter(name="call").count()  # a job that the other worker had begun may finish
    assert JobResult(str(Echo.enqueue(value="elsewhere").id)).get(timeout=120) == {"value": "elsewhere"}
    assert Effect.objects.filter(name="call").count() <= calls + 1
    with connection.cursor() as cursor:
        cursor.execute(END_SOON)
        (ends_at,) = cursor.fetchone()
    results = [JobResult(str(job.id)).get(timeout=120) for job in jobs]
    assert set(results) == {1}, "a job paid an attempt for the vendor's limit"
    told = Attempt.objects.get(outcome="give_back")
    later = Record.objects.filter(task=Throttled.name, started_at__gt=told.finished_at).order_by("started_at").first()
    assert later.started_at >= ends_at
