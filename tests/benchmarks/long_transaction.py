"""`python -m tests.benchmarks.long_transaction`: what a transaction that somebody holds open costs every claim.

A backlog is drained by claims and settles alone: once while nobody looks on, once while another connection holds a
snapshot from before, then more of it as soon as that has ended, and once more when the table was vacuumed. All begin
with an empty table. What counts is how the last tenth of the claims compares with the first: nothing can be cleaned up
behind them while the snapshot is held.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any

import psycopg

from tests.benchmarks import arena, churn, report

JOBS = 100_000
AFTER = 10  # parts of it that are drained when the transaction has ended


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.long_transaction", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"drained while it is held ({JOBS:,})")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args(arguments)
    with arena.opened() as opened:
        found = _measure(opened, asked.jobs) | {"jobs": asked.jobs, "machine": report.machine()}
    print(json.dumps(found) if asked.json else _text(found))
    return 0


def _measure(opened: arena.Arena, jobs: int) -> dict[str, Any]:
    from tests.records import empty_heap, own_connection

    with own_connection("jobs benchmark") as connection:
        found = {}
        for name, held in (("without", False), ("held", True)):
            empty_heap(connection)
            with _snapshot(opened) if held else _nobody():
                churn.enqueue(connection, jobs)
                found[name] = _told(churn.drain(connection))
            if not held:
                continue
            for when in ("just_ended", "vacuumed"):
                if when == "vacuumed":
                    connection.execute("VACUUM (ANALYZE) idempotency_record")
                churn.enqueue(connection, jobs // AFTER)
                found[when] = _told(churn.drain(connection))
    return found | {"ratios": _ratios(found)}


def _ratios(found: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, float | None]]:
    """Of the last tenth, by that without a transaction; None where that was over between two ticks of the clock."""
    figures = ("claim_ms_last", "cpu_us_per_job_last")
    return {
        name: {
            each: round(told[each] / found["without"][each], 2) if found["without"][each] else None for each in figures
        }
        for name, told in found.items()
        if name != "without"
    }


@contextmanager
def _snapshot(opened: arena.Arena) -> Iterator[None]:
    """As a report or a backup holds one."""
    with psycopg.connect(opened.url_of(arena.OURS), application_name="a report") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET idle_in_transaction_session_timeout = 0")
        connection.execute("SELECT count(*) FROM idempotency_record")
        yield


@contextmanager
def _nobody() -> Iterator[None]:
    yield


def _told(spent: churn.Spent) -> dict[str, float]:
    """Of the first tenth and of the last: milliseconds of a claim, and the backend's processor for claim and settle."""
    tenth = max(1, len(spent.claims_ms) // 10)
    return {
        "claim_ms_first": round(median(spent.claims_ms[:tenth]), 2),
        "claim_ms_last": round(median(spent.claims_ms[-tenth:]), 2),
        "cpu_us_per_job_first": round(spent.cpu_us_per_job(0, 0.1), 1),
        "cpu_us_per_job_last": round(spent.cpu_us_per_job(0.9, 1), 1),
    }


def _text(found: Mapping[str, Any]) -> str:
    shown = {
        name: "".join(f"  {key} {value:g}" for key, value in found[name].items())
        for name in ("without", "held", "just_ended", "vacuumed")
    }
    lines = [f"{name:<12}{text}" for name, text in shown.items()]
    return "\n".join([f"{found['jobs']:,} jobs, claims of {churn.BATCH}", *lines, f"ratios: {found['ratios']}"])


if __name__ == "__main__":
    sys.exit(main())
