"""What a statement's plan reads."""

import json
from collections.abc import Iterator
from typing import Any

GROWING = {"idempotency_record", "idempotency_attempt"}  # tables of which no question may read all


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
