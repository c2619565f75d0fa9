"""`python -m tests.benchmarks.backlog`: what a long backlog costs the broker, its producer, and a claim.

A relay runs beside. The producer is this process: it enqueues in chunks, and after each it notes its own memory and the
broker's. Then claims of the same size are timed from a queue with few due records and from those with many, in turns,
so that the weather hits all alike; each is rolled back. At last, jobs are enqueued one by one into a queue with a bound
and into one without, again in turns.
"""

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.benchmarks import arena

JOBS = 100_000
CHUNK = 10_000
SETTLED = 100_000  # jobs after which a producer's memory should stay as it is
FEW = 1_000
ACCOUNTS = 10_000
CLAIM = 50  # records
CLAIMS = 200  # of each queue
SINGLES = 300  # jobs enqueued one by one, of each kind
MEGABYTE = 2**20
LONG = timedelta(hours=1)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    if asked.one_call:
        print(json.dumps(_one_call(asked.jobs)))
        return 0
    with arena.opened() as opened:
        found = _measure(opened, asked.jobs, asked.claims)
    print(json.dumps(found) if asked.json else _text(found))
    return 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.backlog", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"in each long backlog ({JOBS:,})")
    parser.add_argument("--claims", type=int, default=CLAIMS, help=f"timed of each queue ({CLAIMS})")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--one-call", action="store_true", help=argparse.SUPPRESS)  # in a process of its own
    return parser.parse_args(arguments)


def _measure(opened: arena.Arena, jobs: int, claims: int) -> dict[str, Any]:
    relay = opened.programs.relay()
    relay.wait_for_log("relay: ready")
    found: dict[str, Any] = {"jobs": jobs, "backlog": _fill(jobs)}
    found["claim_ms"] = _claims(_queues(jobs), claims)
    found["enqueue_us"] = _singles()
    found["look_ms"] = _looks(jobs)
    command = (sys.executable, "-m", "tests.benchmarks.backlog", "--one-call", "--jobs", str(jobs))
    found["one_call"] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    return found | {"machine": {"cpus": os.cpu_count(), "load_1m": round(os.getloadavg()[0], 2)}}


# -- memory -----------------------------------------------------------------------------------------------------------


def _fill(jobs: int) -> dict[str, float]:
    """Megabytes, and jobs a second. `rss` is this process's memory, `broker` what the broker says of its own."""
    from jobs import in_chunks
    from tests.benchmarks.accounts import OfAccount

    empty, began = _broker_memory(), time.perf_counter()
    rss, broker, written = [], [], 0
    for chunk in in_chunks("one-account", _payloads(jobs, accounts=1), timeout=LONG, size=CHUNK):
        OfAccount.using(queue="one-account").enqueue_many(chunk)
        written += len(chunk)
        _say(f"{written:,} of {jobs:,} enqueued")
        broker.append(_broker_memory() - empty)
        if written >= min(SETTLED, jobs // 2):
            rss.append(_rss())
    return {
        "enqueued_per_second": round(jobs / (time.perf_counter() - began)),
        "broker_growth_mb": round(max(broker), 2),
        "producer_rss_mb": round(median(rss), 1),
        "producer_rss_span_mb": round(max(rss) - min(rss), 2),
    }


def _payloads(jobs: int, accounts: int) -> Iterator[dict[str, int]]:
    return ({"account_id": number % accounts, "number": number} for number in range(jobs))


def _rss() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / MEGABYTE


def _peak() -> float:
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def _broker_memory() -> float:
    import redis

    with redis.Redis.from_url(os.environ["BROKER_URL"]) as client:
        told: Any = client.info("memory")
    return float(told["used_memory"]) / MEGABYTE


def _one_call(jobs: int) -> dict[str, float]:
    """What a single `enqueue_many` of a generator takes, in a process that does nothing else."""
    import django

    django.setup()
    from tests.benchmarks.accounts import OfAccount

    OfAccount.using(queue="few").enqueue(account_id=0, number=0)
    before, began = _rss(), time.perf_counter()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far, which is partly that of who started us
    answers = OfAccount.using(queue="one-call").enqueue_many(_payloads(jobs, accounts=1))
    seconds = time.perf_counter() - began
    return {"jobs": len(answers), "seconds": round(seconds, 2), "peak_growth_mb": round(_peak() - before, 1)}


# -- claims -----------------------------------------------------------------------------------------------------------


def _queues(jobs: int) -> dict[str, str]:
    """Fill the other queues; returns queue by label."""
    from django.db import connection

    from jobs import in_chunks
    from tests.benchmarks.accounts import OfAccount

    for queue, count, accounts in (("few", FEW, 1), ("many-accounts", jobs, ACCOUNTS)):
        for chunk in in_chunks(queue, _payloads(count, accounts), timeout=LONG, size=CHUNK):
            OfAccount.using(queue=queue).enqueue_many(chunk)
            _say(f"{chunk[-1]['number'] + 1:,} of {count:,} enqueued into {queue}")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE) idempotency_record")  # as autovacuum does a minute later
    return {
        f"{FEW}_due": "few",
        "many_due_of_1_account": "one-account",
        f"many_due_of_{ACCOUNTS}_accounts": "many-accounts",
    }


def _claims(queues: dict[str, str], claims: int) -> dict[str, dict[str, float]]:
    """Milliseconds of a claim from each, and how that compares with few records."""
    from tests.records import own_connection

    spent: dict[str, list[float]] = {label: [] for label in queues}
    with own_connection("jobs benchmark") as connection:
        for number in range(claims + 10):
            for label in random.sample(list(queues), len(queues)):
                milliseconds = _claim(connection, queues[label])
                if number >= 10:  # plans and caches are warm
                    spent[label].append(milliseconds)
            _say(f"{number} of {claims} claims")
    few = next(iter(spent.values()))
    return {label: _summary(times, few) for label, times in spent.items()}


def _claim(connection: Any, queue: str) -> float:
    from tests.records import claim, undone

    with undone(connection):
        began = time.perf_counter()
        claimed = claim(connection, CLAIM, queue=queue)
        spent = time.perf_counter() - began
    assert len(claimed) == CLAIM, (queue, len(claimed))
    return spent * 1000


def _summary(times: list[float], few: list[float]) -> dict[str, float]:
    p95 = _p95(times)
    return {"p50": round(median(times), 2), "p95": round(p95, 2), "p95_by_few": round(p95 / _p95(few), 2)}


def _p95(times: list[float]) -> float:
    return quantiles(times, n=20, method="inclusive")[-1]


# -- one by one -------------------------------------------------------------------------------------------------------


def _singles() -> dict[str, float]:
    """Microseconds of one enqueue, median, into a queue without a bound and into one with it."""
    from tests.benchmarks.accounts import OfAccount

    spent: dict[str, list[float]] = {"unbounded": [], "bounded": []}
    for number in range(SINGLES):
        for queue in random.sample(list(spent), 2):
            bound = OfAccount.using(queue=queue)
            spent[queue].append(_seconds(lambda: bound.enqueue(account_id=0, number=number)) * 1e6)  # noqa: B023
    return {queue: round(median(times), 1) for queue, times in spent.items()}


def _looks(jobs: int) -> float:
    """Milliseconds of a look at the long backlog, median: what a caller pays once a second at the most."""
    from django.db import connection

    from idempotency import reads

    return round(
        median(_seconds(lambda: reads.waiting(connection, "one-account", cap=jobs)) for _ in range(9)) * 1e3, 2
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


# -- telling ----------------------------------------------------------------------------------------------------------


def _say(text: str) -> None:
    print(f"{text:<60}", end="\r", file=sys.stderr, flush=True)


def _text(found: dict[str, Any]) -> str:
    lines = [f"{found['jobs']:,} jobs in a long backlog"]
    for part in ("backlog", "claim_ms", "enqueue_us", "one_call"):
        lines += [f"{part}:", *(f"  {name:<28} {value}" for name, value in found[part].items())]
    return "\n".join([*lines, f"look_ms: {found['look_ms']}"])


if __name__ == "__main__":
    sys.exit(main())
