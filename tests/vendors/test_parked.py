"""What waits behind a pause costs nothing: neither the worker nor the relay nor the database look at it."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.db import connection

from idempotency import queues
from tests.app.bench import CallOpen
from tests.benchmarks import cpu
from tests.processes import wait_until
from tests.vendors.work import give, start_fleet

pytestmark = pytest.mark.usefixtures("transactional_db")

FEW, MANY = 10, 10_000
LOOK = 4.0  # seconds; the servers' statistics are a second late
READ = """SELECT relname, sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'idempotency%' GROUP BY 1
    UNION ALL SELECT indexrelname, sum(idx_tup_read) FROM pg_stat_user_indexes
    WHERE relname LIKE 'idempotency%' GROUP BY 1"""
# Once a minute the relay counts what came, what ended and how much stands in line: the price of the charts, and paid
# whether a queue is closed or not. Seconds in which it did so are looked at again.
COUNTED = "SELECT coalesce(max(minute)::text, '') FROM jobs_minute"


@dataclass
class Cost:
    """Of some seconds in which nothing could be done."""

    processor: float  # µs of worker and relay
    tuples: Counter[str]  # read from our tables and their indexes, by name


def tuples_read() -> Counter[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")  # else what this connection has read is told seconds later
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(READ)
        return Counter({name: int(count) for name, count in cursor.fetchall()})


def last_counted() -> str:
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
        return cursor.fetchone()[0]


def cost(roots: dict[str, int]) -> Cost:
    def rest(seconds: float) -> None:
        ends = time.monotonic() + seconds
        wait_until(lambda: time.monotonic() > ends, seconds + 5)

    tuples_read()
    counted = last_counted()
    rest(2)  # hints of the enqueue are followed, and the statistics told
    processor, tuples = cpu.used(roots), tuples_read()
    rest(LOOK)
    found = Cost(sum(cpu.used(roots).values()) - sum(processor.values()), tuples_read() - tuples)
    return found if last_counted() == counted else cost(roots)


def test_ten_thousand_jobs_behind_a_pause_cost_no_more_than_ten(programs, vendor):
    start_fleet(programs, ["open"], workers=1, concurrency=2)
    roots = {program.name: program.pid for program in programs if program is not vendor.program}
    queues.pause(connection, "open", duration=timedelta(hours=1), reason="closed", by="test")
    give(CallOpen, vendor, range(FEW))
    few = cost(roots)
    give(CallOpen, vendor, range(FEW, MANY))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE idempotency_record")
    many = cost(roots)
    assert len(vendor.calls()) == 0
    assert few.processor > 0
    assert many.processor < 1.5 * few.processor + 100_000
    assert few.tuples.total() > 0
    assert many.tuples.total() < 1.5 * few.tuples.total() + MANY / 10, f"something reads what waits: {many.tuples}"
