"""A database with a past: millions of records that have long ended."""

import psycopg

from tests.benchmarks.arena import PRISTINE
from tests.benchmarks.works.stage import Stage

SLICE = 500_000  # records in one statement, so that the bar moves
# Ids in the order of time, as real ones are: random ones would take the longer the more there are.
FILL = """
INSERT INTO idempotency_record (id, task, queue, state, key, fingerprint, payload, payload_version, available_at,
    attempt, max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at, started_at,
    finished_at, lease_id, claimed_by, result)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'tests.benchmarks.noop', 'backlog', 'succeeded',
    CASE WHEN n %% 2 = 0 THEN gen_random_uuid() END, gen_random_uuid(), '{"number": 1}', 1, at, 1, 5, 0, 0, false,
    false, 1, 0, at, at, at, gen_random_uuid(), 'worker@host/hint/1', 'null'
FROM generate_series(%(first)s::int, %(last)s) AS n,
    LATERAL (SELECT now() - interval '90 days' * (1 - n::float8 / %(count)s) AS at) AS moments
"""

# What each page has left is room for one record that has not begun, which is smaller than one that has ended: the next
# jobs would go to as many pages as they are. Years of jobs leave no such room (measured: eleven jobs to a page, where a
# table without a past has 45), so the last of these records are small and fill it.
SMALL = """
INSERT INTO idempotency_record (id, task, queue, state, fingerprint, payload, payload_version, available_at,
    attempt, max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at, finished_at)
SELECT ('01900000-0000-7000-8001-' || lpad(to_hex(n), 12, '0'))::uuid, 'tests.benchmarks.noop', 'backlog', 'succeeded',
    gen_random_uuid(), '{}', 1, now(), 1, 5, 0, 0, false, false, 1, 0, now(), now()
FROM generate_series(1, %(count)s) AS n
"""
SMALL_ONES = 40  # of so many records one is small: more than there are pages with such room

# As a relay has left it that was never away: else the first one would make up for a day's charts while it is timed.
COUNTED = """
INSERT INTO jobs_minute (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried)
VALUES (date_trunc('minute', now()), 'backlog', 0, 0, 0, 0, 0)
"""


def database(stage: Stage) -> str:
    """Made once for each number of records; its indexes are built behind the rows, which takes a third of the time."""
    name = f"past_{stage.history}"
    stage.arena.database(name, PRISTINE)
    with stage.arena.connect(name) as connection:
        if not connection.execute("SELECT FROM idempotency_record LIMIT 1").rowcount:
            _fill(connection, stage)
    return name


def _fill(connection: psycopg.Connection, stage: Stage) -> None:
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = 'idempotency_record'::regclass AND NOT indisprimary AND indexrelid NOT IN"
        " (SELECT conindid FROM pg_constraint)"
    ).fetchall()
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("ALTER TABLE idempotency_record DISABLE TRIGGER USER")
    for index, _ in indexes:
        connection.execute(f"DROP INDEX {index}")
    for first in range(1, stage.history + 1, SLICE):
        last = min(first + SLICE - 1, stage.history)
        connection.execute(FILL, {"first": first, "last": last, "count": stage.history})
        stage.advance(f"history: {last:,} of {stage.history:,} records")
    connection.execute("VACUUM idempotency_record")  # which notes where room is
    connection.execute(SMALL, {"count": stage.history // SMALL_ONES})
    for index, definition in indexes:
        stage.advance(f"history: index {index}")
        connection.execute(definition)
    connection.execute("ALTER TABLE idempotency_record ENABLE TRIGGER USER")
    connection.execute(COUNTED)
    connection.execute("VACUUM (ANALYZE) idempotency_record")
    connection.execute("CHECKPOINT")
