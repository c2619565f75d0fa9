"""A snapshot reads what lives and what happened lately, never all that ever was."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from idempotency.gauges import COUNTED, TRIED
from idempotency.statements import statement
from jobs.metrics import gauges
from tests.database.test_plans import FILL, nodes
from tests.records import own_connection

pytestmark = pytest.mark.django_db

PARAMS = {
    "load": {
        "queues": ["default", "critical"],
        "deadlines": [None, timedelta(minutes=10)],
        "cap": COUNTED,
        "tried": TRIED,
    },
    "tokens": {},
    "open": {},
    "lost_attempts": {},
    "losses": {},
    "pauses": {},
}
INDEX = {
    "load": {"record_lined", "record_waiting", "record_held", "record_leased", "record_parked", "attempt_finished"},
    "lost_attempts": {"attempt_finished"},
}
HISTORY = """
INSERT INTO idempotency_attempt (record_id, attempt, fencing_token, outcome, finished_at)
SELECT gen_random_uuid(), 1, 1, 'retry', now() - n * interval '1 minute' FROM generate_series(100, 20000) AS n
"""


@pytest.fixture(scope="module")
def filled(django_db_setup):
    with own_connection() as connection, connection.transaction(force_rollback=True):
        connection.execute(FILL)
        connection.execute(HISTORY)
        connection.execute("ANALYZE idempotency_record")
        connection.execute("ANALYZE idempotency_attempt")
        yield connection


def plan_of(connection, name):
    # As a worker's connection plans it: once, for any parameters.
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {statement(name)}", PARAMS[name]).fetchone()[0]
    return (json.loads(row) if isinstance(row, str) else row)[0]["Plan"]


@pytest.mark.parametrize("name", PARAMS)
def test_no_gauge_reads_a_whole_table_of_history(filled, name):
    found = list(nodes(plan_of(filled, name)))
    whole = {n["Relation Name"] for n in found if n["Node Type"] == "Seq Scan"}
    assert not whole & {"idempotency_record", "idempotency_attempt"}
    used = {n.get("Index Name") for n in found}
    assert INDEX.get(name, set()) <= used
    assert name != "open" or used & {"record_open", "record_review"}, "both hold given-up records alone"


def test_every_statement_of_the_records_that_a_snapshot_asks_is_looked_at():
    asked = {"loads": "load", "unresolved": "open", "lost_attempts": "lost_attempts", "given_up": "losses",
             "tokens": "tokens"}  # fmt: skip
    text = Path(gauges.__file__).read_text()
    used = {name for name in (*asked, "oldest_transaction") if f"gauges.{name}(" in text}
    assert used == {*asked, "oldest_transaction"}
    assert set(asked.values()) <= set(PARAMS)


def test_more_history_costs_no_more(filled):
    """Pages read: the only cost that no busy machine changes."""
    before = pages(filled)
    with filled.transaction(force_rollback=True):
        filled.execute(FILL.replace("n % 40 = 0", "false").replace("n % 400 = 1", "false"))
        filled.execute("ANALYZE idempotency_record")
        assert pages(filled) < before * 1.2 + 20


def pages(connection):
    row = connection.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement('load')}", PARAMS["load"]).fetchone()
    plan = (json.loads(row[0]) if isinstance(row[0], str) else row[0])[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
