"""What a statement's plan reads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

GROWING = {"idempotency_record", "idempotency_attempt"}  # tables of which no question may read all
REMOVED = "Rows Removed by"  # a filter, a join's filter, the recheck of an index
NOTED = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_analyze": "on",
    "auto_explain.log_buffers": "on",
    "auto_explain.log_timing": "off",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def read_by_index(connection, statement: str, params: Any) -> set[str]:
    """The indexes that the plan uses; fails where it reads a whole table of jobs."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", params)
        (found,) = cursor.fetchone()
    plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    whole = [n for n in nodes(plan) if n["Node Type"] == "Seq Scan" and n.get("Relation Name") in GROWING]
    assert whole == [], statement
    return {n["Index Name"] for n in nodes(plan) if "Index Name" in n}


@contextmanager
def as_they_run(connection: psycopg.Connection[Any]) -> Iterator[list[dict[str, Any]]]:
    """The plans of all that this connection of our own runs meanwhile, with the rows that each step came to."""
    plans: list[dict[str, Any]] = []

    def note(told: psycopg.errors.Diagnostic) -> None:
        said, _, plan = (told.message_primary or "").partition("plan:\n")
        if said.startswith("duration: "):
            plans.append(json.loads(plan)["Plan"])

    connection.execute("LOAD 'auto_explain'")
    for name, value in NOTED.items():
        connection.execute(f"SET LOCAL {name} = {value}")
    connection.add_notice_handler(note)
    try:
        yield plans
    finally:
        connection.remove_notice_handler(note)


def most_rows_of_a_step(plan: dict[str, Any]) -> float:
    """That any one step came to, wanted or not, in all its loops together."""
    return max(
        sum(value for name, value in node.items() if name == "Actual Rows" or name.startswith(REMOVED))
        * max(1, node["Actual Loops"])
        for node in nodes(plan)
    )


def pages(plan: dict[str, Any]) -> int:
    """That the whole statement came to, as often as it did."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
