"""A claim reads as many records as it takes, however many wait, and though the planner knows how many."""

import json
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest

from idempotency import reads, transitions
from idempotency.statements import statement
from tests.database.test_plans import FILL, PARAMS, nodes
from tests.records import LEASE, claim, enqueue_plenty, own_connection

READS_BY_INDEX = ("Index Scan", "Index Only Scan", "Bitmap Heap Scan", "ModifyTable")
NOBODYS = [SimpleNamespace(id=uuid4(), fencing_token=1, lease_id=uuid4())]
READ = """SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'idempotency_record'"""
SCANS = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'idempotency_record'"
pytestmark = pytest.mark.django_db


def test_a_claim_from_a_long_backlog_reads_in_order_and_sorts_only_what_it_took(django_db_setup):
    with own_connection() as connection, connection.transaction(force_rollback=True):
        connection.execute(FILL.replace("n % 40 = 0", "n % 40 > 0"))
        connection.execute("ANALYZE idempotency_record")
        rows = connection.execute("EXPLAIN (FORMAT JSON, ANALYZE) " + statement("claim"), PARAMS["claim"]).fetchall()
    told = rows[0][0]
    found = json.loads(told) if isinstance(told, str) else told
    read = [n for n in nodes(found[0]["Plan"]) if n.get("Relation Name") == "idempotency_record"]
    assert read
    assert all(n["Node Type"] in READS_BY_INDEX for n in read), read
    assert all(n["Actual Rows"] <= PARAMS["claim"]["limit"] for n in read), read


def test_the_plan_that_a_worker_keeps_reads_no_table_either(django_db_setup):
    with own_connection() as connection, connection.transaction(force_rollback=True):
        connection.execute(FILL.replace("n % 40 = 0", "n % 40 > 0"))
        connection.execute("ANALYZE idempotency_record")
        taken = [len(transitions.claim(connection, "default", limit=200, lease=LEASE, claimed_by="w")) for _ in "123"]
        (scans,) = connection.execute(SCANS).fetchone()
    assert (taken, scans) == ([200] * 3, 0)


def test_plans_that_were_made_while_the_table_was_empty_read_no_more_when_it_is_full(django_db_setup):
    with own_connection() as connection:
        connection.execute("TRUNCATE idempotency_record")
        connection.execute("VACUUM ANALYZE idempotency_record")

        def work():
            batch = transitions.claim(connection, "default", limit=200, lease=LEASE, claimed_by="w")
            transitions.renew(connection, batch or NOBODYS, lease=LEASE)
            return len(transitions.succeed(connection, batch or NOBODYS, ["null"] * len(batch or NOBODYS)))

        assert work() == 0
        with connection.transaction(force_rollback=True):
            connection.execute(FILL.replace("n % 40 = 0", "n % 40 > 0"))
            (before,) = connection.execute(READ).fetchone()
            done = [work() for _ in "123"]
            (read,) = connection.execute(READ).fetchone()
    assert done == [200] * 3
    assert read - before < 20 * sum(done)


def test_jobs_that_are_due_in_ninety_days_are_read_by_neither_relay_nor_claim_until_then(django_db_setup):
    with own_connection() as connection, connection.transaction(force_rollback=True):
        enqueue_plenty(connection, 500)

        def read_by_a_look():
            (before,) = connection.execute(READ).fetchone()
            with connection.transaction(force_rollback=True):
                transitions.stage(connection, ["default"])
                (backlog,) = reads.backlog(connection, ["default"], cap=10_000)
                assert backlog.claimable == 500
                assert len(claim(connection, 200)) == 200
            return connection.execute(READ).fetchone()[0] - before

        few = read_by_a_look()
        for day in range(90):
            enqueue_plenty(connection, 200, delay=timedelta(days=1 + day))
        assert read_by_a_look() <= 1.1 * few
