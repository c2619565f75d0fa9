"""What breaks a stack for a page, and what no command of a page can do: a person's part, and time."""

import signal
from collections.abc import Callable
from datetime import timedelta

import psycopg
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from idempotency import queues, transitions
from idempotency.states import PauseKind, Reason
from jobs.metrics import measuring
from jobs.metrics.calls import NAME as VENDOR_CALLS
from jobs.metrics.measuring import Sums
from tests.app.tasks import FailForGood, KillWorker, Mark, WaitForFile
from tests.chaos.nemesis.clock import skewed
from tests.processes import wait_until
from tests.records import OOPS, claim
from tests.runbooks.stack import Stack
from tests.servers import debian
from tests.servers.session import require

Act = Callable[[Stack], object]
MINUTES = timedelta(minutes=1)
COLUMNS = """
SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
WHERE attrelid = 'idempotency_record'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
"""
MINUTE = """
INSERT INTO jobs_minute (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried)
VALUES (date_trunc('minute', statement_timestamp()) - interval '1 minute', 'default', 0, 60, 0, 0, 40)
"""
LATE = """
INSERT INTO jobs_minute (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried, missed)
VALUES (date_trunc('minute', statement_timestamp()) - interval '1 minute', 'critical', 100, 100, 0, 0, 0, 40)
"""
GROWING = """
INSERT INTO jobs_minute (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried, age)
SELECT date_trunc('minute', statement_timestamp()) - n * interval '1 minute', 'critical', 0, 0, 0, 0, 0, 600 - 50 * n
FROM generate_series(1, 10) AS n
"""


def nothing(_: Stack) -> None: ...


def seen(query: str, value: int = 1) -> None:
    def found() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone() == (value,)

    wait_until(found, 40, query)


def an_old_critical_job(stack: Stack) -> None:
    stack.enqueue(queue="critical")
    stack.grow_older(11 * MINUTES)


def dead_letters(stack: Stack) -> None:
    stack.systemctl("start", "jobs-relay")
    stack.enqueue(21)
    for claimed in claim(connection, 21):
        transitions.dead_letter(connection, claimed, reason=Reason.ATTEMPTS_EXHAUSTED, problem=OOPS)
    stack.systemctl("start", "jobs-worker@default")


def an_hour_passes(stack: Stack) -> None:
    stack.sql("UPDATE idempotency_givenup SET at = at - interval '1 hour'")


def paused(kind: PauseKind) -> Act:
    def pause(stack: Stack) -> None:
        stack.systemctl("start", "jobs-worker@billing-sync")
        queues.pause(connection, "billing-sync", duration=timedelta(hours=1), reason="their words", by="a worker",
                     kind=kind, vendor="ledgerly")  # fmt: skip
        stack.sql("UPDATE idempotency_queue SET episode_at = episode_at - interval '11 minutes'")

    return pause


def idle_workers(stack: Stack) -> None:
    stack.systemctl("start", "jobs-worker@default")
    seen("SELECT count(*) FROM jobs_worker")
    stack.enqueue(3)  # nobody has sent a hint, as after the broker lost it
    stack.grow_older(3 * MINUTES)


def a_full_pool(stack: Stack) -> None:
    stack.systemctl("start", "jobs-relay")
    stack.systemctl("start", "jobs-worker@default")
    WaitForFile.enqueue(name="long", path=str(stack.place / "done"))
    seen("SELECT count(*) FROM idempotency_record WHERE state = 'processing'")
    Mark.enqueue(name="behind it")
    stack.grow_older(2 * MINUTES)
    seen("SELECT sum(busy)::int FROM jobs_worker")


def poison(stack: Stack) -> None:
    stack.systemctl("start", "jobs-relay")
    for n in range(2):
        KillWorker.enqueue(name=f"n{n}", times=99)
    stack.systemctl("start", "jobs-worker@default")
    seen("SELECT count(*) FROM idempotency_record WHERE reason = 'poison'", 2)
    seen("SELECT (count >= 6)::int FROM jobs_measure WHERE metric = 'jobs_children_lost_total' AND minute = 'epoch'")


def attempts_grow_old(stack: Stack) -> None:
    stack.sql("UPDATE idempotency_attempt SET finished_at = finished_at - interval '16 minutes'")


def a_dead_machine(stack: Stack) -> None:
    stack.systemctl("start", "jobs-worker@default")
    WaitForFile.enqueue(name="n", path=str(stack.place / "never"))
    seen("SELECT count(*) FROM idempotency_record WHERE state = 'processing'")
    (worker,) = stack.units.pop("jobs-worker@default")
    worker.signal_group(signal.SIGKILL)
    stack.sql("UPDATE idempotency_record SET lease_expires_at = statement_timestamp() - interval '1 second' "
              "WHERE state = 'processing'")  # fmt: skip


def refused_jobs(stack: Stack) -> None:
    stack.systemctl("start", "jobs-worker@default")
    FailForGood.enqueue_many({"name": f"n{n}"} for n in range(21))
    seen("SELECT count(*) FROM idempotency_record WHERE state = 'failed_permanent'", 21)


def many_retries(stack: Stack) -> None:
    stack.sql(MINUTE)


def minutes_pass(stack: Stack) -> None:
    stack.sql("UPDATE jobs_minute SET minute = minute - interval '16 minutes'")
    stack.sql("UPDATE jobs_measure SET minute = minute - interval '16 minutes' WHERE minute > 'epoch'")


def late_jobs(stack: Stack) -> None:
    stack.sql(LATE)


def a_growing_backlog(stack: Stack) -> None:
    stack.enqueue(queue="critical")
    stack.grow_older(3 * MINUTES)
    stack.sql(GROWING)


def a_full_broker(stack: Stack) -> None:
    stack.broker.refuse()
    stack.systemctl("start", "jobs-relay")
    stack.enqueue()


def room(stack: Stack) -> None:
    stack.broker.accept()


def a_minute_passes(stack: Stack) -> None:
    stack.sql("UPDATE jobs_pulse SET seen_at = seen_at - interval '1 minute' WHERE kind = 'broker'")


def a_failing_vendor(_: Stack) -> None:
    sums = Sums()
    for outcome in ["timeout"] * 10 + ["ok"] * 20:
        sums.observe(VENDOR_CALLS, 1.0, "ledgerly", outcome)
    measuring.add(connection, sums)


def an_old_dead_letter(stack: Stack) -> None:
    dead_letters(stack)
    stack.sql("UPDATE idempotency_record SET finished_at = finished_at - interval '25 hours'")


def a_forgotten_worker(stack: Stack) -> None:
    stack.systemctl("start", "jobs-relay")
    stack.systemctl("start", "jobs-worker@default")
    stack.enqueue(task="tests.app.Versioned", payload_version=2)
    seen("SELECT count(*) FROM idempotency_record WHERE parked_reason IS NOT NULL")


def a_release(stack: Stack) -> None:
    stack.deployed["TESTS_VERSION"] = "2"


def a_full_queue(stack: Stack) -> None:
    stack.deployed["TESTS_BULK_BOUND"] = "10"
    stack.systemctl("start", "jobs-relay")
    stack.enqueue(10, queue="bulk-import")


def a_deleted_record(stack: Stack) -> None:
    stack.enqueue(3)
    stack.sql("CREATE TABLE backup AS SELECT * FROM idempotency_record LIMIT 1")
    stack.sql("DELETE FROM idempotency_record WHERE id IN (SELECT id FROM backup)")
    stack.run("manage.py jobs verify")


def a_restore(stack: Stack) -> None:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS)
        (names,) = cursor.fetchone()
    stack.sql(f"INSERT INTO idempotency_record ({names}) SELECT {names} FROM backup")
    stack.sql("DROP TABLE backup")


def an_old_audit(stack: Stack) -> None:
    stack.run("manage.py jobs verify")
    stack.sql("UPDATE jobs_pulse SET seen_at = seen_at - interval '3 days' WHERE kind = 'verify'")


def a_forgotten_shell(stack: Stack) -> None:
    stack.deployed["TESTS_LONG_TRANSACTION"] = "6"
    held = psycopg.connect(stack.environment["DATABASE_URL"], application_name="a shell")
    held.execute("SELECT 1")
    stack.open.append(held)


def no_exporter(stack: Stack) -> None:
    stack.enqueue()


def a_lost_broker(stack: Stack) -> None:
    stack.systemctl("start", "jobs-worker@default")
    stack.broker.kill()
    stack.enqueue(5)
    stack.broker.restart()


def a_relay_that_died(stack: Stack) -> None:
    stack.systemctl("start", "jobs-relay")
    (relay,) = stack.units.pop("jobs-relay")
    seen("SELECT count(*) FROM jobs_pulse WHERE kind = 'relay'")
    relay.kill()
    stack.sql("UPDATE jobs_pulse SET seen_at = seen_at - interval '2 minutes'")


def a_pool_to_drain(stack: Stack) -> None:
    stack.systemctl("start", "jobs-worker@default")
    Mark.enqueue_many({"name": f"n{n}"} for n in range(20))


def no_beat(_: Stack) -> None:
    every = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.HOURS)
    PeriodicTask.objects.create(name="hourly", task="tests.app.mark_each_time", kwargs='{"name": "n"}', interval=every)


def a_wrong_clock(stack: Stack) -> None:
    require("libfaketime")
    stack.deployed = skewed(debian.program("libfaketime"), "-1h")
    stack.systemctl("start", "jobs-worker@default")
    stack.deployed = {}
    seen("SELECT (clock_offset < -3500)::int FROM jobs_worker")


def always(_: Stack) -> bool:
    return True
