"""Beside a million records, half of them due: what names a batch meets each record of it a few times, and no other.

The plans are those of the statements as they run, which PostgreSQL notes itself (auto_explain): the very ones that a
worker's connection keeps, made while the planner thinks the table empty and made when it knows better.
"""

import pytest

from idempotency import transitions
from tests.plans import as_they_run, most_rows_of_a_step, nodes
from tests.records import LEASE, enqueue_plenty, own_connection

MILLION = """
INSERT INTO idempotency_record (id, task, queue, state, fingerprint, payload, payload_version, available_at, attempt,
    max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at, finished_at, line,
    account_hash)
SELECT gen_random_uuid(), 'tests.task', 'default', state, gen_random_uuid(), '{}', 1, now() - interval '1 hour', 0, 3,
    0, 0, false, false, 0, 0, now() - interval '1 hour', CASE WHEN state = 'succeeded' THEN now() END,
    CASE WHEN state = 'queued' THEN 0 END, n % 7
FROM (SELECT n, CASE WHEN n % 2 = 0 THEN 'queued' ELSE 'succeeded' END AS state
      FROM generate_series(1, 1000000) AS n) AS states
"""
BATCH = 200
OFTEN = 10  # times that a step may come to a record: dead versions and sorts count too; each with each were 200
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def million(django_db_setup):
    """Committed, because a worker's plans are made in transactions of its own; and taken away as a whole."""
    with own_connection() as connection:
        connection.execute("TRUNCATE idempotency_record")
        connection.execute("VACUUM ANALYZE idempotency_record")  # what the planner knows is that there is nothing
        connection.execute("ALTER TABLE idempotency_record SET (autovacuum_enabled = off)")
        connection.execute("SET session_replication_role = replica")
        connection.execute(MILLION)
        yield
        connection.execute("TRUNCATE idempotency_record")
        connection.execute("ALTER TABLE idempotency_record RESET (autovacuum_enabled)")
        connection.execute("ANALYZE idempotency_record")


@pytest.fixture(scope="module", params=["stale", "fresh"])
def statistics(million, request):
    with own_connection() as connection:
        if request.param == "fresh":
            connection.execute("ANALYZE idempotency_record")
        (known,) = connection.execute(
            "SELECT reltuples FROM pg_class WHERE oid = 'idempotency_record'::regclass"
        ).fetchone()
    assert (known > 900_000) == (request.param == "fresh")
    return request.param


def claim(connection):
    return transitions.claim(connection, "default", limit=BATCH, lease=LEASE, claimed_by="w")


def succeed(connection):
    batch = claim(connection)
    return transitions.succeed(connection, batch, ["null"] * len(batch))


def renew(connection):
    return transitions.renew(connection, claim(connection), lease=LEASE)


def give_back(connection):
    return transitions.give_back(connection, claim(connection))


def enqueue(connection):
    return enqueue_plenty(connection, BATCH)


def prune(connection):
    return range(transitions.prune(connection, retention=-LEASE, limit=BATCH))


@pytest.mark.parametrize("work", [claim, succeed, renew, give_back, enqueue, prune])
def test_no_record_of_a_batch_is_compared_with_each_other_one(statistics, work):
    with (
        own_connection() as connection,
        connection.transaction(force_rollback=True),
        as_they_run(connection) as plans,
    ):
        assert len(work(connection)) == BATCH
    assert plans
    assert max(map(most_rows_of_a_step, plans)) <= OFTEN * BATCH


@pytest.mark.parametrize("work", [succeed, renew, give_back])
def test_a_batch_is_found_by_its_ids_and_not_among_all_that_was_ever_leased(statistics, work):
    with (
        own_connection() as connection,
        connection.transaction(force_rollback=True),
        as_they_run(connection) as plans,
    ):
        work(connection)
    assert len(plans) == 2
    assert "record_leased" not in {node.get("Index Name") for plan in plans for node in nodes(plan)}
