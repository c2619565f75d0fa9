"""The figures, as one JSON object and as a table."""

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import redis
from django.db import connection
from rich.console import Console
from rich.table import Table

from tests.benchmarks.contenders import CHILDREN
from tests.benchmarks.rounds import Drained

Pair = tuple[Drained, Drained]  # stock, ours
PACKAGES = ("celery", "kombu", "redis", "django", "psycopg")
ENQUEUE = ("enqueued_one_by_one_per_second", "enqueued_bulk_per_second", "enqueue_bulk_cpu_us_per_job")


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """`ratio` is the median over the rounds of ours by stock; rates of different rounds are never compared."""
    ratios = [ours.jobs_per_second / stock.jobs_per_second for stock, ours in pairs]
    sides = {"stock": [stock for stock, _ in pairs], "ours": [ours for _, ours in pairs]}
    return {
        "ratio": round(median(ratios), 2),
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
        "jobs_per_second": {name: round(median(d.jobs_per_second for d in side)) for name, side in sides.items()},
        "cpu_us_per_job": {name: _cpu(side) for name, side in sides.items()},
        "enqueue": {name: {what: round(median(getattr(d, what) for d in side)) for what in ENQUEUE}
                    for name, side in sides.items()},
        "all_accounted_for": all(_accounted_for(d) for pair in pairs for d in pair),
        "events": True,
        "children": CHILDREN,
        "rounds": [{"ratio": round(r, 2), "stock": _rounded(s), "ours": _rounded(o)}
                   for r, (s, o) in zip(ratios, pairs, strict=True)],
        "machine": _machine(),
        "versions": _versions(),
    }  # fmt: skip


def _accounted_for(drained: Drained) -> bool:
    return drained.bodies == drained.jobs and drained.unfinished == 0


def _cpu(side: Sequence[Drained]) -> dict[str, int]:
    return {name: round(median(d.cpu_us_per_job[name] for d in side)) for name in side[0].cpu_us_per_job}


def _rounded(drained: Drained) -> dict[str, Any]:
    cpu = {name: round(us, 1) for name, us in drained.cpu_us_per_job.items()}
    return {
        k: round(v, 3) if isinstance(v, float) else v for k, v in (asdict(drained) | {"cpu_us_per_job": cpu}).items()
    }


def _machine() -> dict[str, Any]:
    return {"cpus": os.cpu_count(), "processor": _processor(), "kernel": platform.release(),
            "load_1m": round(os.getloadavg()[0], 2)}  # fmt: skip


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _versions() -> dict[str, str]:
    postgres = connection.pg_version // 10_000
    return {"python": platform.python_version(), "postgresql": str(postgres), "valkey": _broker_version()} | {
        p: version(p) for p in PACKAGES
    }


def _broker_version() -> str:
    with redis.Redis.from_url(os.environ["BROKER_URL"], decode_responses=True) as client:
        told: dict[str, Any] = client.info("server")
    return str(told.get("valkey_version") or told["redis_version"])


def table(found: dict[str, Any]) -> None:
    """Print what a person wants to see first."""
    shown = Table(title="No-op jobs, events on; ours durable in PostgreSQL, stock not durable")
    shown.add_column("")
    for heading in ("stock Celery", "ours"):
        shown.add_column(heading, justify="right")
    for label, of in _rows(found):
        shown.add_row(label, *(f"{of(name):,}" for name in ("stock", "ours")))
    console = Console()
    console.print(shown)
    console.print(f"ratio {found['ratio']} [{found['ratio_min']} to {found['ratio_max']}], "
                  f"{len(found['rounds'])} rounds on {found['machine']['cpus']} cores")  # fmt: skip
    if not found["all_accounted_for"]:
        console.print("not every job was accounted for: see --json", style="bold red")


def _rows(found: dict[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("drained, jobs/s", found["jobs_per_second"].get),
        ("processor, µs per job", lambda name: found["cpu_us_per_job"][name]["total"]),
        ("  of it in the worker", lambda name: found["cpu_us_per_job"][name]["worker"]),
        ("enqueued one by one, jobs/s", lambda name: found["enqueue"][name][ENQUEUE[0]]),
        ("enqueued in bulk, jobs/s", lambda name: found["enqueue"][name][ENQUEUE[1]]),
        ("  caller's processor, µs per job", lambda name: found["enqueue"][name][ENQUEUE[2]]),
    ]
