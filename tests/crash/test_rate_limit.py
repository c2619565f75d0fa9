"""A vendor that says 429 is left alone by everybody, and no job pays for it."""

from datetime import timedelta

import pytest

from idempotency.models import Attempt, Queue, Record
from jobs import JobResult
from tests.app.models import Effect
from tests.app.tasks import Echo
from tests.app.throttled import Throttled
from tests.processes import wait_until

WAIT = 3.0  # seconds that the vendor asks for


@pytest.mark.usefixtures("transactional_db")
def test_a_rate_limit_pauses_the_vendors_queue_for_all_workers_and_costs_no_attempt(spawn_worker, spawn_relay):
    for _ in range(2):
        spawn_worker(["throttled", "default"], concurrency=1)
    spawn_relay()
    jobs = Throttled.enqueue_many({"number": n, "seconds": WAIT} for n in range(20))
    wait_until(lambda: Queue.objects.filter(name="throttled", paused_at__isnull=False).exists(), timeout=20)
    calls = Effect.objects.filter(name="call").count()  # a job that the other worker had begun may finish
    assert JobResult(str(Echo.enqueue(value="elsewhere").id)).get(timeout=10) == {"value": "elsewhere"}
    assert Effect.objects.filter(name="call").count() <= calls + 1
    results = [JobResult(str(job.id)).get(timeout=30) for job in jobs]
    assert set(results) == {1}, "a job paid an attempt for the vendor's limit"
    told = Attempt.objects.get(outcome="give_back")
    later = Record.objects.filter(task=Throttled.name, started_at__gt=told.finished_at).order_by("started_at").first()
    assert later.started_at - told.finished_at > timedelta(seconds=WAIT * 0.9)
