"""`python -m tests.benchmarks.delays`: what 100,000 jobs that are due within 90 days cost relay and claim until then.

Two queues with the same few due records; in one of them the delayed ones wait as well. Claims of both, and the relay's
looks at both (staging what became due, and reading the backlog), are timed in turns, so that the weather hits both
alike. The ratio is the median over pairs that were timed right after each other.
"""

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from statistics import median
from typing import Any

from tests.benchmarks import arena

JOBS, DAYS, DUE = 100_000, 90, 1_000
CLAIM = 50  # records
LOOKS = 400  # of each, timed
WARM = 20  # plans and caches are, after these
BARE, LADEN = "few", "one-account"  # queues


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.delays", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"delayed ones ({JOBS:,})")
    parser.add_argument("--looks", type=int, default=LOOKS, help=f"timed of each kind and queue ({LOOKS})")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args(arguments)
    with arena.opened():
        _fill(asked.jobs)
        found = {name: _compare(look, asked.looks) for name, look in WORKS.items()}
    shown = {
        "delayed_jobs": asked.jobs,
        "days": DAYS,
        **found,
        "machine": {"cpus": os.cpu_count(), "load_1m": round(os.getloadavg()[0], 2)},
    }
    print(json.dumps(shown) if asked.json else "\n".join(f"{name:>16} {value}" for name, value in shown.items()))
    return 0


def _fill(jobs: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from tests.benchmarks.accounts import OfAccount
    from tests.records import own_connection

    for queue in (BARE, LADEN):
        OfAccount.using(queue=queue).enqueue_many({"account_id": 0, "number": n} for n in range(DUE))
    start, apart = timezone.now() + timedelta(hours=1), timedelta(days=DAYS) / jobs
    with own_connection("jobs benchmark") as own:
        _delayed(own, jobs, start, apart)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) idempotency_record")  # as autovacuum does a minute later


def _delayed(own: Any, jobs: int, start: Any, apart: timedelta) -> None:
    """By the enqueue statement itself, a hundred to a moment: a hundred thousand calls would take minutes."""
    from tests.records import enqueue_plenty

    for number in range(0, jobs, 100):
        enqueue_plenty(own, 100, queue=LADEN, run_after=start + number * apart)


def _claim(connection: Any, queue: str) -> None:
    from tests.records import claim

    assert len(claim(connection, CLAIM, queue=queue)) == CLAIM


def _look(connection: Any, queue: str) -> None:
    """What a relay does for a queue: stage what became due, and see what waits."""
    from idempotency import reads, transitions
    from jobs.relay import counted
    from tests.benchmarks.contenders import CHILDREN

    transitions.stage(connection, [queue])
    (backlog,) = reads.backlog(connection, [queue], cap=counted(CHILDREN))
    assert backlog.claimable == DUE


WORKS: dict[str, Callable[[Any, str], None]] = {"claim_ms": _claim, "relay_ms": _look}


def _compare(look: Callable[[Any, str], None], looks: int) -> dict[str, float]:
    from tests.records import own_connection

    spent: dict[str, list[float]] = {BARE: [], LADEN: []}
    with own_connection("jobs benchmark") as connection:
        for number in range(looks + WARM):
            for queue in random.sample(list(spent), 2):
                milliseconds = _timed(connection, look, queue)
                if number >= WARM:
                    spent[queue].append(milliseconds)
    bare, laden = median(spent[BARE]), median(spent[LADEN])
    pairs = [b / a for a, b in zip(spent[BARE], spent[LADEN], strict=True)]
    return {"without": round(bare, 3), "with": round(laden, 3), "ratio": round(median(pairs), 3)}


def _timed(connection: Any, look: Callable[[Any, str], None], queue: str) -> float:
    from tests.records import undone

    with undone(connection):
        began = time.perf_counter()
        look(connection, queue)
        return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    sys.exit(main())
