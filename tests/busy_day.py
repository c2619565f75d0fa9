"""An ordinary busy day of the reference project, for the overview: a vendor in a pause, two deploys, a dead worker."""

import math
import random
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, PeriodicTask

import config.settings
from billing_sync.tasks import SyncInvoice, email_invoice
from idempotency import queues
from idempotency.queues import Limits
from idempotency.states import PauseKind
from jobs import registry
from jobs.models import Mark, Minute
from tests.records import claim

QUEUES = ("critical", "default", "billing-sync", "bulk-import")
SHARE = {"critical": 0.3, "default": 0.2, "billing-sync": 1.0, "bulk-import": 0.4}
SIX_MINUTES_AGO = """
UPDATE idempotency_queue SET paused_at = paused_at - interval '6 min', episode_at = episode_at - interval '6 min'
WHERE paused_at IS NOT NULL
"""
WAITING_SINCE = """
UPDATE idempotency_record SET available_at = available_at - interval '1 s' * (account_hash % 360)
WHERE queue = 'billing-sync' AND state = 'queued'
"""
REASON = "429 Too Many Requests: Retry-After 840"


def reference_settings(settings) -> None:
    """The queues and vendors of the reference project alone, without the tests' own."""
    settings.JOBS_QUEUES = config.settings.JOBS_QUEUES
    settings.JOBS_VENDORS = config.settings.JOBS_VENDORS


def a_busy_day(waiting: int = 1_204) -> None:
    count_a_day()
    make_workers()
    make_schedules()
    queues.configure(connection, "billing-sync", "ledgerly", Limits(calls_per_second=200, burst=20))
    invoices = ({"account_id": 20 + n % 9, "external_invoice_id": f"INV-{n}", "revision": 1} for n in range(waiting))
    SyncInvoice.enqueue_many(invoices)
    email_invoice.enqueue_many({"invoice_id": n, "revision": 1} for n in range(7))
    claim(connection, 3, queue="critical", claimed_by="critical@app-1/1")
    queues.pause(connection, "billing-sync", duration=timedelta(minutes=14), reason=REASON, by="billing@app-1",
                 kind=PauseKind.RATE_LIMIT, vendor="ledgerly")  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(SIX_MINUTES_AGO)
        cursor.execute(WAITING_SINCE)


def count_a_day() -> None:
    """Minutes as the relay would have counted them, and the same each time."""
    dice, now = random.Random(7), timezone.now().replace(second=0, microsecond=0)
    minutes = [_minute(dice, now, ago, queue) for ago in range(1, 24 * 60) for queue in QUEUES]
    Minute.objects.bulk_create(minutes)
    for ago, text in ((21, "deploy 1.4.0"), (6.5, "deploy 1.4.1")):
        mark = Mark.objects.create(by="ann", text=text)
        Mark.objects.filter(pk=mark.pk).update(at=now - timedelta(hours=ago))


def _minute(dice: random.Random, now, ago: int, queue: str) -> Minute:
    hour = ago / 60
    came = int(SHARE[queue] * (60 + 45 * math.sin(hour / 24 * 2 * math.pi + 1) + dice.uniform(-8, 8)))
    bad = 3 if queue == "billing-sync" and 5 < hour < 6.5 else 0
    dead = int(bad and dice.random() < 0.25)
    failed = int(queue == "billing-sync" and dice.random() < 0.02)
    return Minute(
        minute=now - timedelta(minutes=ago), queue=queue, enqueued=came, succeeded=max(came - dead - failed - bad, 0),
        failed_permanent=failed, dead_lettered=dead, retried=int(bad * dice.uniform(2, 6) + (dice.random() < 0.1)),
        depth=int(came / 8 + bad * dice.uniform(20, 40)), age=1.2 + dice.random() * 2 + bad * dice.uniform(4, 9),
        busy=min(8, came // 12), slots=8,
    )  # fmt: skip


def make_workers() -> None:
    for name, serves, busy, slots in (
        ("critical@app-1", ["critical"], 3, 4),
        ("default@app-1", ["default"], 0, 2),
        ("billing@app-1", ["billing-sync"], 0, 8),
        ("bulk@app-2", ["bulk-import"], 1, 2),
        ("billing@app-2", ["billing-sync"], 2, 8),
    ):
        registry.report(connection, name=name, pid=1, queues=serves, tasks={}, slots=slots, busy=busy)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_worker SET started_at = now() - interval '3 hours'")
        cursor.execute("UPDATE jobs_worker SET seen_at = now() - interval '12 min' WHERE name = 'billing@app-2'")


def make_schedules() -> None:
    nightly = CrontabSchedule.objects.create(minute="30", hour="2")
    PeriodicTask.objects.create(
        name="nightly import", task="billing_sync.ImportInvoices", crontab=nightly,
        last_run_at=timezone.now() - timedelta(hours=9),
    )  # fmt: skip
    monthly = CrontabSchedule.objects.create(minute="0", hour="6", day_of_month="1")
    PeriodicTask.objects.create(name="statements", task="billing_sync.Statements", crontab=monthly, enabled=False)
