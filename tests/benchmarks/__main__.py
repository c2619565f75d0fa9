"""`python -m tests.benchmarks`: ours against its peers, in interleaved rounds, so that all meet the same weather.

With no arguments it takes a quarter of an hour and prints a table. Each work has a short form; `--work drain,enqueue`
chooses. Peers other than Celery run in virtual environments of their own, which the first run installs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.benchmarks import arena, report
from tests.benchmarks.arena import Arena

WORKS = ("drain", "drain-quiet", "drain-sentry", "drain-orm", "five-ms", "drain-singles", "enqueue", "enqueue-many",
         "latency", "history", "breadth", "memory")  # fmt: skip
OTHERS = (
    "pgqueuer-100",
    "celery-tuned",
    "celery-events",
    "huey",
    "dramatiq",
    "procrastinate",
    "django-tasks-db",
    "django-q2",
)
FULL = {"rounds": 5, "jobs": 20_000, "history": 10_000_000, "peers": OTHERS}
QUICK = {"rounds": 3, "jobs": 10_000, "history": 1_000_000, "peers": ("pgqueuer-100",)}


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    with arena.opened(socket=asked.socket) as opened:
        left_out: dict[str, str] = {}
        runs = _play(opened, asked, left_out)
        found = {"runs": runs, "machine": report.machine(), "left_out": left_out}
    if asked.plot:
        from tests.benchmarks import page

        page.write(runs, found["machine"])
    print(json.dumps(found)) if asked.json else report.table(runs)
    return 1 if set(left_out) & set(WORKS) else 0


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--work", type=_names, default=WORKS, help=f"one or more of {', '.join(WORKS)}")
    parser.add_argument("--peers", type=_names, help=f"besides stock Celery: {', '.join(OTHERS)}; or none")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 10,000 jobs, a short past, one peer")
    parser.add_argument("--rounds", type=int, help="of each contender (5)")
    parser.add_argument("--jobs", type=int, help="that ours drains in a round (20,000); peers get their share")
    parser.add_argument("--history", type=int, help="terminal records, for the work of that name (10,000,000)")
    parser.add_argument("--socket", action="store_true", help="PostgreSQL through one, without a password; not by TCP")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--plot", action="store_true", help="write the figures of docs/performance.md and its charts")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.work) - set(WORKS):
        parser.error(f"no such work: {', '.join(sorted(unknown))}")
    for name, value in (QUICK if asked.quick else FULL).items():
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    return asked


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in text.split(",") if name and name != "none")


def _play(opened: Arena, asked: argparse.Namespace, left_out: dict[str, str]) -> list[dict[str, Any]]:
    from tests.benchmarks.works import REGISTRY
    from tests.benchmarks.works.stage import Stage

    runs: list[dict[str, Any]] = []
    columns = (BarColumn(), TextColumn("{task.completed}/{task.total} works"), TimeElapsedColumn(),
               TextColumn("{task.description}"))  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=len(asked.work))

        def advance(what: str) -> None:
            progress.update(bar, description=what)

        for name in asked.work:
            stage = Stage(opened, asked.rounds, asked.jobs, asked.history, asked.peers, advance, left_out)
            try:
                runs += (run.as_json() for run in REGISTRY[name](stage))
            except (AssertionError, RuntimeError) as error:  # one that stands still costs its own work and no other
                left_out[name] = str(error)[:2000]
                progress.console.print(f"{name}: {left_out[name]}")
            progress.advance(bar)
    return runs


if __name__ == "__main__":
    sys.exit(main())
