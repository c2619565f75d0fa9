"""A claim reads as many records as it takes, however many wait, and though the planner knows how many."""

import json

import pytest

from idempotency import transitions
from idempotency.statements import statement
from tests.database.test_plans import FILL, PARAMS, nodes
from tests.records import LEASE, own_connection

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
    assert all(n["Node Type"] in ("Index Scan", "Index Only Scan", "ModifyTable") for n in read), read
    assert all(n["Actual Rows"] <= PARAMS["claim"]["limit"] for n in read), read


def test_the_plan_that_a_worker_keeps_reads_no_table_either(django_db_setup):
    with own_connection() as connection, connection.transaction(force_rollback=True):
        connection.execute(FILL.replace("n % 40 = 0", "n % 40 > 0"))
        connection.execute("ANALYZE idempotency_record")
        taken = [len(transitions.claim(connection, "default", limit=200, lease=LEASE, claimed_by="w")) for _ in "123"]
        (scans,) = connection.execute(SCANS).fetchone()
    assert (taken, scans) == ([200] * 3, 0)
