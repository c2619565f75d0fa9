"""`python -m tests.benchmarks.overview`: how long the overview takes, and the counting of a minute.

The table holds jobs that live, spread over the reference project's queues, and a day of jobs that have ended. The page
is asked for as a browser does, through Django with its session and its permissions, without the network. Minutes are
counted ten in a go, as after an outage; the work of one is a tenth of it.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

from tests.benchmarks import arena


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.overview", description=__doc__)
    parser.add_argument("--live", type=int, default=100_000, help="jobs that live (100,000)")
    parser.add_argument("--finished", type=int, default=500_000, help="jobs that have ended in the last day (500,000)")
    parser.add_argument("--looks", type=int, default=50, help="of each kind (50)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args()
    with arena.opened():
        found = _measure(asked.live, asked.finished, asked.looks)
    print(json.dumps(found) if asked.json else "\n".join(f"{name:>24}  {value}" for name, value in found.items()))
    return 0


def _measure(live: int, finished: int, looks: int) -> dict[str, Any]:
    from django.db import connection
    from django.test import Client

    from jobs.overview import snapshot
    from tests.busy_day import QUEUES, count_a_day, make_workers
    from tests.history import fill
    from tests.review import person

    fill(connection, QUEUES, finished=finished, live=live)
    count_a_day()
    make_workers()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    client = Client()
    client.force_login(person("view_record", "pause_queue"))
    return {
        "live": live,
        "finished": finished,
        "numbers_ms": _times(looks, snapshot.take),
        "page_ms": _times(looks, lambda: client.get("/admin/jobs/overview/", headers={"host": "localhost"})),
        "ten_minutes_ms": _count(),
        "load_1m": round(os.getloadavg()[0], 2),
    }


def _times(looks: int, look: Callable[[], object]) -> dict[str, float]:
    """`cpu`: of this process alone, which no neighbour makes slower by taking turns with it."""
    look()
    spent, cpu = [], time.process_time()
    for _ in range(looks):
        began = time.perf_counter()
        look()
        spent.append(1000 * (time.perf_counter() - began))
    found = {"fastest": min(spent), "median": median(spent), "p95": quantiles(spent, n=20)[18]}
    found["cpu"] = 1000 * (time.process_time() - cpu) / looks
    return {name: _rounded(value) for name, value in found.items()}


def _count() -> float:
    from jobs import minutes
    from tests.busy_day import QUEUES
    from tests.records import own_connection

    with own_connection("jobs benchmark") as connection:
        connection.execute("TRUNCATE jobs_minute")
        connection.execute(
            "INSERT INTO jobs_minute SELECT date_trunc('minute', now()) - interval '1 hour', 'default', 0, 0, 0, 0, 0"
        )
        minutes.count(connection, QUEUES)  # planned
        spent = []
        for _ in range(4):
            began = time.perf_counter()
            minutes.count(connection, QUEUES)
            spent.append(1000 * (time.perf_counter() - began))
    return _rounded(median(spent))


def _rounded(value: float) -> float:
    return round(value, 1)


if __name__ == "__main__":
    sys.exit(main())
