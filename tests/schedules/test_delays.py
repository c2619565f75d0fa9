"""Delays are in the records: a job starts when it is due, within a second and never before."""

from datetime import timedelta

from django.utils import timezone

from idempotency.models import Record
from tests.app.models import Effect
from tests.app.tasks import Mark
from tests.processes import wait_until

JOBS = 20


def test_a_delayed_job_starts_within_a_second_of_its_time_and_never_before(spawn_worker, spawn_relay, broker):
    spawn_worker()
    spawn_relay().wait_for_log("relay: ready")
    Mark.using(run_after=timezone.now() + timedelta(days=90)).enqueue(name="in spring")
    for n in range(JOBS):
        Mark.using(delay=timedelta(seconds=2 + n / 10)).enqueue(name=f"job {n}")
    wait_until(lambda: Effect.objects.count() == JOBS, 30)
    due = {r.payload["name"]: r.available_at for r in Record.objects.all()}
    late = sorted((effect.at - due[effect.name]).total_seconds() for effect in Effect.objects.all())
    assert late[0] >= 0
    assert late[JOBS // 4] < 1  # a busy machine holds some up, a clock that is looked at too rarely most
    assert Record.objects.get(payload__name="in spring").state == "queued"
