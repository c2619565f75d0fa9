"""`python -m tests.benchmarks.guard`: what the table's triggers cost, as PostgreSQL's processor time with and without.

Claims and settles alone, without Python's share, which is the larger part of a job: the worst case.
"""

import argparse
import json
import sys
from statistics import median

from tests.benchmarks import arena, cpu

BATCH = 50  # records in a claim
TURNS = {True: "ENABLE", False: "DISABLE"}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.guard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=30, help="of each, in turns (30)")
    parser.add_argument("--jobs", type=int, default=4_000, help="in a round (4,000)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args()
    with arena.opened():
        found = _summary(_play(asked.rounds, asked.jobs))
    print(json.dumps(found) if asked.json else "\n".join(f"{name:>20} {value:8.3f}" for name, value in found.items()))
    return 0


def _play(rounds: int, jobs: int) -> dict[bool, list[float]]:
    from tests.records import own_connection

    spent: dict[bool, list[float]] = {True: [], False: []}
    with own_connection("jobs benchmark") as connection:
        for number in range(rounds):
            for guarded in (bool(number % 2), not number % 2):  # who begins changes, as the weather does
                connection.execute(f"ALTER TABLE idempotency_record {TURNS[guarded]} TRIGGER USER")
                spent[guarded].append(_drain(connection, jobs) / jobs)
            print(f"round {number + 1} of {rounds}", end="\r", file=sys.stderr, flush=True)
    return spent


def _drain(connection, jobs: int) -> float:  # type: ignore[no-untyped-def]
    """Microseconds of the backend that claims and settles them all."""
    from idempotency import transitions
    from tests.records import claim, enqueue_plenty

    enqueue_plenty(connection, jobs)
    backend = {"backend": connection.info.backend_pid}
    before = cpu.used(backend)["backend"]
    while batch := claim(connection, BATCH):
        transitions.succeed(connection, batch, ["null"] * len(batch))
    spent = cpu.used(backend)["backend"] - before
    connection.execute("TRUNCATE idempotency_record")
    return spent


def _summary(spent: dict[bool, list[float]]) -> dict[str, float]:
    return {
        "us_per_job_guarded": median(spent[True]),
        "us_per_job_unguarded": median(spent[False]),
        "ratio": sum(spent[True]) / sum(spent[False]),
    }


if __name__ == "__main__":
    sys.exit(main())
