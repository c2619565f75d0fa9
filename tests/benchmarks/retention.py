"""`python -m tests.benchmarks.retention`: what records leave behind, and what that costs those that come later.

Jobs are enqueued, drained and pruned, round after round, by the statements alone; a record is kept for one more round.
After each round it notes how large the table and its indexes are and how many rows are dead, and how long claims and
pruning took. Autovacuum works as it would elsewhere, only with a shorter nap: rounds are shorter than days. First come
jobs without a key, of which nothing may stay; then jobs with one, which leave a tombstone.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from statistics import median
from typing import Any

from tests.benchmarks import arena, churn, report

JOBS = 1_000_000  # of each kind
ROUNDS = 20
NAP = "5s"
MEGABYTE = 2**20
SIZES = """
SELECT pg_table_size(relid), pg_indexes_size(relid), n_dead_tup, n_live_tup, autovacuum_count + vacuum_count
FROM pg_stat_user_tables WHERE relname = 'idempotency_record'
"""
BY_INDEX = """
SELECT indexrelid::regclass::text, pg_relation_size(indexrelid) FROM pg_index
WHERE indrelid = 'idempotency_record'::regclass ORDER BY 2 DESC, 1
"""
Round = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    with arena.opened() as opened:
        with opened.connect("postgres") as connection:
            # Where this run vacuums itself nobody else does: an ANALYZE beside it would hold the dead rows in place.
            setting = "autovacuum = off" if asked.vacuum else f"autovacuum_naptime = '{NAP}'"
            connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
        kinds = {"without_key": None, "with_key": "churn"}
        found = {name: _churn(asked.jobs, key, vacuum=asked.vacuum) for name, key in kinds.items()}
    found |= {"jobs": asked.jobs, "machine": report.machine()}
    print(json.dumps(found) if asked.json else _text(found))
    return 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.retention", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"of each kind ({JOBS:,}), in {ROUNDS} rounds")
    parser.add_argument("--vacuum", action="store_true", help="after each round: a short run does not wait for a nap")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser.parse_args(arguments)


def _churn(jobs: int, key: str | None, *, vacuum: bool) -> dict[str, Any]:
    from tests.records import own_connection

    with own_connection("jobs benchmark") as connection:
        connection.execute("TRUNCATE idempotency_record")
        began: list[float] = []
        rounds = []
        for number in range(ROUNDS):
            began.append(time.monotonic())
            churn.enqueue(connection, jobs // ROUNDS, key=key and f"{key}-{number}")
            spent = churn.drain(connection)
            pruning = _prune(timedelta(seconds=time.monotonic() - began[-1]))
            if vacuum:
                connection.execute("VACUUM (ANALYZE) idempotency_record")
            rounds.append(_told(connection, spent) | pruning)
            print(f"round {number + 1} of {ROUNDS}", end="\r", file=sys.stderr, flush=True)
        indexes = {name: round(size / MEGABYTE, 2) for name, size in connection.execute(BY_INDEX).fetchall()}
    return summary(rounds) | {"indexes_mb": indexes, "rounds": rounds}


def _prune(retention: timedelta) -> Round:
    """All that ended before this round, as the relay does; microseconds of each."""
    from jobs.own_connection import OwnConnection
    from jobs.relay import prune

    with closing(OwnConnection("jobs benchmark")) as own:
        began = time.perf_counter()
        pruned = prune(own, retention)
        spent = time.perf_counter() - began
    return {"pruned": pruned, "prune_us": round(spent / pruned * 1e6, 1) if pruned else 0.0}


def _told(connection: Any, spent: churn.Spent) -> Round:
    table, indexes, dead, live, vacuums = connection.execute(SIZES).fetchone()
    return {
        "jobs": sum(spent.jobs),
        "table_mb": round(table / MEGABYTE, 2),
        "all_indexes_mb": round(indexes / MEGABYTE, 2),
        "dead": dead,
        "live": live,
        "vacuums": vacuums,
        "claim_ms": round(median(spent.claims_ms), 2),
        "cpu_us_per_job": round(spent.cpu_us_per_job(), 1),
    }


def summary(rounds: Sequence[Round]) -> dict[str, float]:
    """How the last third of the rounds compares with the one before it: sizes at their largest, costs by the median."""
    third = len(rounds) // 3
    before, last = rounds[-2 * third : -third], rounds[-third:]
    sizes = {f"{name}_growth": _growth(name, before, last, max) for name in ("table_mb", "all_indexes_mb")}
    costs = {
        f"{name}_growth": _growth(name, before, last, median) for name in ("claim_ms", "cpu_us_per_job", "prune_us")
    }
    kept = {"bytes_kept_per_job": round((_megabytes(last[-1]) - _megabytes(before[-1])) * MEGABYTE / _jobs(last), 1)}
    return sizes | costs | kept


def _growth(name: str, before: Sequence[Round], last: Sequence[Round], of: Callable[[Any], float]) -> float:
    """1 where nothing has changed, and where there was nothing before."""
    was, now = (of([r[name] for r in rounds]) for rounds in (before, last))
    return round(now / was, 3) if was else 1.0


def _megabytes(found: Round) -> float:
    return found["table_mb"] + found["all_indexes_mb"]


def _jobs(rounds: Sequence[Round]) -> float:
    return sum(r["jobs"] for r in rounds)


def _text(found: Mapping[str, Any]) -> str:
    lines = []
    for kind in ("without_key", "with_key"):
        lines.append(f"{found['jobs']:,} jobs {kind.replace('_', ' ')}")
        shown = [name for name in found[kind]["rounds"][0] if name != "jobs"]
        lines.append("".join(f"{name:>16}" for name in shown))
        lines += ["".join(f"{r[name]:>16,}" for name in shown) for r in found[kind]["rounds"]]
        lines += [f"{name:>24} {value}" for name, value in found[kind].items() if name.endswith(("growth", "per_job"))]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
