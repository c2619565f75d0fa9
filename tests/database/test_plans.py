"""The questions asked all day read an index of live records, however many finished ones there are."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest

from idempotency.statements import statement
from tests.records import own_connection

pytestmark = pytest.mark.django_db

PARAMS = {
    "claim": {
        "queue": "default",
        "limit": 50,
        "lease": timedelta(60),
        "claimed_by": "w/h",
        "lease_id": uuid4(),
        "lines": [0],
        "cursors": [17],
        "start": 0,
        "served": [17],
        "accounts": 32,
        "durable": True,
    },
    "claim_lone": {
        "queue": "default",
        "lease": timedelta(60),
        "claimed_by": "w/h",
        "lease_id": uuid4(),
        "durable": True,
    },
    "stage": {"queues": ["default", "critical"], "limit": 1000},
    "backlog": {"queues": ["default", "critical"], "cap": 10_000},
    "waiting": {"queue": "default", "cap": 10_000},
    "release": {"queue": "default", "cap": 10_000, "limit": 1_000},
    "held": {"queues": ["default", "critical"]},
    "in_hand": {"queue": "default", "cap": 1_000},
    "reap": {"limit": 500, "poison": 3},
    "exhaust": {"queues": ["default"], "limit": 100},
    "unpark": {"queue": "default", "tasks": ["t"], "versions": [1]},
    "find": {"keys": [uuid4()], "ids": [uuid4()], "window": None},
    "outcome": {"id": uuid4()},
    "expire": {"claimed_by": "w/h"},
    "prune": {"retention": timedelta(days=92), "limit": 1000},
}
INDEX = {
    "claim": "record_lined",
    "claim_lone": "record_lined",
    "stage": "record_waiting",
    "backlog": "record_lined",
    "waiting": "record_lined",
    "release": "record_held",
    "held": "record_held",
    "in_hand": "record_leased",
    "reap": "record_leased",
    "exhaust": "record_waiting",
    "unpark": "record_parked",
    "find": "record_key",
    "outcome": "idempotency_record_pkey",
    "expire": "record_leased",
    "prune": "record_ended",
}
FILL = """
INSERT INTO idempotency_record (id, task, queue, state, key, fingerprint, payload, payload_version, available_at,
    attempt, max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at, finished_at,
    lease_id, lease_expires_at, line, account_hash)
SELECT gen_random_uuid(), 't', 'default', state, gen_random_uuid(), gen_random_uuid(), '{}', 1,
    now() - interval '1 hour', 0, 3, 0, 0, false, false, 0, 0, now() - interval '1 hour',
    CASE WHEN state = 'succeeded' THEN now() END, gen_random_uuid(), CASE WHEN state = 'processing' THEN now() END,
    CASE WHEN state = 'queued' THEN 0 END, n % 7
FROM (SELECT n, CASE WHEN n % 40 = 0 THEN 'queued' WHEN n % 400 = 1 THEN 'processing' ELSE 'succeeded' END AS state
      FROM generate_series(1, 40000) AS n) AS states
"""


@pytest.fixture(scope="module")
def filled(django_db_setup):
    with own_connection() as connection, connection.transaction(force_rollback=True):
        connection.execute(FILL)
        connection.execute("ANALYZE idempotency_record")
        yield connection


def nodes(plan):
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


@pytest.mark.parametrize("name", PARAMS)
def test_the_plan_reads_the_index_and_never_the_whole_table(filled, name):
    row = filled.execute(f"EXPLAIN (FORMAT JSON) {statement(name)}", PARAMS[name]).fetchone()[0]
    plan = (json.loads(row) if isinstance(row, str) else row)[0]["Plan"]
    whole = [n for n in nodes(plan) if n["Node Type"] == "Seq Scan" and n["Relation Name"] == "idempotency_record"]
    assert whole == []
    assert INDEX[name] in {n.get("Index Name") for n in nodes(plan)}


def test_what_is_compiled_anew_for_each_statement_that_writes_a_record_is_short(own):
    """CHECKs, triggers' conditions and generated columns, as PostgreSQL keeps them: 2 µs for a thousand characters."""
    (characters,) = own.execute("""
        SELECT (SELECT sum(length(conbin::text)) FROM pg_constraint WHERE conrelid = t.oid)
            + (SELECT sum(length(tgqual::text)) FROM pg_trigger WHERE tgrelid = t.oid)
            + (SELECT sum(length(adbin::text)) FROM pg_attrdef WHERE adrelid = t.oid)
        FROM (SELECT 'idempotency_record'::regclass AS oid) AS t""").fetchone()
    assert characters < 20_000
    # A function of SQL would be copied into the column's expression, with all that it calls.
    copied = "SELECT count(*) FROM pg_proc JOIN pg_language AS l ON l.oid = prolang AND lanname = 'sql'"
    assert own.execute(f"{copied} WHERE proname = 'idempotency_incident'").fetchone() == (0,)
