"""`python -m tests.benchmarks.observed`: what it costs to be seen, in throughput of the batch path with and without.

Workers with everything on (Sentry, OpenTelemetry and JSON logs, of which they send a hundredth, and task events) and
workers with task events alone drain the same jobs of one queue in turns: who begins changes, as the weather does.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import NamedTuple

from tests.benchmarks import arena, cpu
from tests.processes import ROOT

WARM_UP, QUEUE = "default", "backlog"
WORKER = (sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "2", "--task-events", "-Q", WARM_UP)
HEAD = 0.02  # of the jobs, before the clock starts
SAMPLED = "0.01"
LONGEST = 180.0


class Drained(NamedTuple):
    """One round of one side: jobs a second, and microseconds of processor per job of worker, database and broker."""

    per_second: float
    cpu_us: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.observed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="of each, in turns (4)")
    parser.add_argument("--jobs", type=int, default=20_000, help="in a round (20,000)")
    parser.add_argument("--loglevel", default="WARNING", help="of both; INFO is a line for each job (WARNING)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args()
    with arena.opened() as opened, _sink(opened) as environment:
        found = _summary(_play(opened, environment, asked))
    print(json.dumps(found) if asked.json else "\n".join(f"{name:>24} {value:10,.2f}" for name, value in found.items()))
    return 0


@contextmanager
def _sink(opened: arena.Arena) -> Iterator[dict[str, str]]:
    """Where it all goes, and the environment that says so."""
    from config.embedded.valkey import free_port
    from tests.flower import answers
    from tests.processes import wait_until

    port = free_port()
    command = (sys.executable, "-m", "tests.telemetry.sink", str(port), "/dev/null")
    opened.programs.spawn("sink", *command)
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 30, "the sink listens")
    yield {
        "SENTRY_DSN": f"http://key@127.0.0.1:{port}/1",
        "SENTRY_TRACES_SAMPLE_RATE": SAMPLED,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": SAMPLED,
        "LOG_STYLE": "json",
    }


def _play(opened: arena.Arena, watched: dict[str, str], asked: argparse.Namespace) -> dict[bool, list[Drained]]:
    speeds: dict[bool, list[Drained]] = {True: [], False: []}
    opened.programs.relay()
    for number in range(asked.rounds):
        for on in (bool(number % 2), not number % 2):
            speeds[on].append(_drain(opened, watched if on else {}, asked))
        before, after = (speeds[on][-1].per_second for on in (False, True))
        print(f"round {number + 1} of {asked.rounds}: off {before:,.0f}/s, on {after:,.0f}/s", file=sys.stderr)
    return speeds


def _drain(opened: arena.Arena, environment: dict[str, str], asked: argparse.Namespace) -> Drained:
    """By a worker that is warm."""
    from config.celery import app
    from tests.processes import wait_until

    worker = opened.programs.spawn("worker", *WORKER, "--loglevel", asked.loglevel, env=environment)
    _enqueue(environment, WARM_UP, 500)
    wait_until(lambda: opened.counter.value() >= 500, 60, "the worker has warmed up")
    opened.counter.reset()
    _enqueue(environment, QUEUE, asked.jobs)
    app.control.add_consumer(QUEUE, reply=True, limit=1, timeout=2)
    roots = opened.servers | {"worker": worker.pid}
    began, before = _when(lambda: opened.counter.value() >= asked.jobs * HEAD), cpu.used(roots)
    ended, after = _when(lambda: opened.counter.value() >= asked.jobs), cpu.used(roots)
    worker.kill()
    opened.counter.reset()
    _forget()
    timed = asked.jobs * (1 - HEAD)
    return Drained(timed / (ended - began), sum(after[name] - before[name] for name in roots) / timed)


def _enqueue(environment: dict[str, str], queue: str, jobs: int) -> None:
    """From a process that is watched as the worker is, so that each job carries what it would in real life."""
    code = f"""
import django
django.setup()
from tests.benchmarks.tasks import noop
for start in range(0, {jobs}, 100):
    noop.using(queue={queue!r}).enqueue_many({{"number": n}} for n in range(start, min(start + 100, {jobs})))
"""
    subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, check=True, cwd=ROOT)


def _forget() -> None:
    """No round begins with a longer table than the other's."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE idempotency_record, idempotency_tally")


def _when(reached: Callable[[], bool]) -> float:
    limit = time.monotonic() + LONGEST
    while not reached():
        assert time.monotonic() < limit, "a worker stands still"
        time.sleep(0.002)
    return time.perf_counter()


def _summary(found: dict[bool, list[Drained]]) -> dict[str, float]:
    """Ratios are of on to off; what a job costs in processor time does not depend on who else works here."""
    off, on = found[False], found[True]
    speeds = [after.per_second / before.per_second for before, after in zip(off, on, strict=True)]
    costs = [before.cpu_us / after.cpu_us for before, after in zip(off, on, strict=True)]
    return {
        "jobs_per_second_off": median(d.per_second for d in off),
        "jobs_per_second_on": median(d.per_second for d in on),
        "ratio": median(speeds),
        "lowest_ratio": min(speeds),
        "highest_ratio": max(speeds),
        "cpu_us_per_job_off": median(d.cpu_us for d in off),
        "cpu_us_per_job_on": median(d.cpu_us for d in on),
        "ratio_by_cpu": median(costs),
        "load": os.getloadavg()[0],
    }


if __name__ == "__main__":
    sys.exit(main())
