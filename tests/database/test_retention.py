"""Pruning costs what is pruned, however much was pruned before; and the table grows no further."""

import json
from contextlib import closing
from datetime import timedelta

import pytest

from idempotency import transitions
from idempotency.statements import statement
from jobs.own_connection import OwnConnection
from jobs.relay import prune
from tests.database.test_plans import FILL, nodes
from tests.records import claim, enqueue_plenty, own_connection

DAY = timedelta(days=1)
TOMBSTONES = """
UPDATE idempotency_record SET created_at = now() - interval '200 days', finished_at = now() - interval '199 days',
    payload = NULL, pruned_at = now() WHERE state = 'succeeded' AND account_hash > 0
"""
OLD = """
UPDATE idempotency_record SET created_at = now() - interval '100 days', finished_at = now() - interval '99 days'
WHERE pruned_at IS NULL AND state = 'succeeded' AND key::text < '08'
"""
READ = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
pytestmark = pytest.mark.django_db


@pytest.fixture
def tombstones(django_db_setup):
    """Some 30,000 of them, 4,000 records of today, and 200 whose time has come."""
    with own_connection() as connection, connection.transaction(force_rollback=True):
        connection.execute(FILL)
        for change in (TOMBSTONES, OLD):
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(change)
        connection.execute("ANALYZE idempotency_record")
        yield connection


def read_by(plan):
    """Rows of the records that its scans came to, wanted or not."""
    scans = [
        n for n in nodes(plan) if n.get("Relation Name") == "idempotency_record" and n["Node Type"].endswith("Scan")
    ]
    return sum(n.get(rows, 0) for n in scans for rows in READ)


def test_what_was_pruned_before_is_never_looked_at_again(tombstones):
    def prune():
        params = {"retention": 92 * DAY, "limit": 1000}
        (told,) = tombstones.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement('prune')}", params).fetchone()
        plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
        return plan["Actual Rows"], read_by(plan)

    pruned, read = prune()
    assert 50 < pruned < 500
    assert read <= 2 * pruned  # found, and written
    assert prune() == (0, 0)


def test_a_relay_prunes_for_so_long_and_goes_on_in_its_next_look(transactional_db):
    with own_connection() as connection:
        enqueue_plenty(connection, 2100)
        while batch := claim(connection, 200):
            transitions.succeed(connection, batch, ["null"] * len(batch))
    with closing(OwnConnection("jobs test")) as own:
        assert prune(own, -DAY, seconds=0) == 1000
        assert prune(own, -DAY) == 1100
        assert prune(own, -DAY) == 0


def test_autovacuum_comes_long_before_a_fifth_of_a_long_history_is_dead(db):
    with own_connection() as connection:
        (options,) = connection.execute(
            "SELECT reloptions FROM pg_class WHERE oid = 'idempotency_record'::regclass"
        ).fetchone()
    assert "autovacuum_vacuum_scale_factor=0.02" in options
