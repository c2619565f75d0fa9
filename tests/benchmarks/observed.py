"""`python -m tests.benchmarks.observed`: what it costs to be seen, in throughput of the batch path with and without.

A worker that is observed (Sentry for errors, OpenTelemetry for a share of the traces, JSON logs, and task events) and
a worker with task events alone live side by side, and drain as many jobs, each of its own queue, one right after the
other: who begins changes, as the weather does. Before them the database has written all that there was to write.
The jobs come from the requests of a caller that is observed as they are. What is sent goes to a collector that throws
it away: the processor time per job is of worker, database and broker alone, the throughput has the collector beside it.
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

from jobs.own_connection import YOUNG
from tests.benchmarks import arena, cpu
from tests.processes import ROOT

WARM_UP = "default"
QUEUES = {False: "few", True: "backlog"}  # of the worker that is not observed, and of the one that is
CHILDREN = 2
WORKER = (sys.executable, "-m", "celery", "-A", "config", "worker", "-c", str(CHILDREN), "--task-events", "-Q")
WARMING = 400  # jobs of some milliseconds, all of them traced where any are
GROWN_UP = YOUNG + 1  # seconds; until then a worker's claims wait for the disk
EXPORTS = "500"  # milliseconds, a tenth of what is usual: what a drain has to send is to be sent in it
HEAD = 0.02  # of the jobs, before the clock starts
SHARE = "0.01"
LONGEST = 180.0
COLLECTOR = "collector"
SIDES = ("off", "on")
PARTS = ("sentry", "traces", "logs")
TWICE = "sentry-traces"  # Sentry traces as well what OpenTelemetry does


class Drained(NamedTuple):
    """One round of one side: jobs a second, and microseconds of processor per job of worker, database and broker."""

    per_second: float
    cpu_us: float
    of: dict[str, float]  # of each program, the collector's too


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.observed", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="of each, in turns (4)")
    parser.add_argument("--jobs", type=int, default=20_000, help="in a round (20,000)")
    parser.add_argument("--share", default=SHARE, help=f"of the callers' requests that are traced ({SHARE}); at most 1")
    parser.add_argument(
        "--parts", nargs="+", choices=(*PARTS, TWICE), default=PARTS, help=f"what is on (all but {TWICE})"
    )
    parser.add_argument("--loglevel", default="WARNING", help="of both; INFO is a line for each job (WARNING)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args()
    with arena.opened() as opened, _collector(opened) as (address, pid):
        roots = opened.servers | {COLLECTOR: pid}
        found = _summary(_play(opened, _environment(address, asked), roots, asked))
    print(json.dumps(found) if asked.json else "\n".join(f"{name:>24} {value:10,.2f}" for name, value in found.items()))
    return 0


@contextmanager
def _collector(opened: arena.Arena) -> Iterator[tuple[str, int]]:
    """Where it all goes: its address, and the process."""
    from config.embedded.valkey import free_port
    from tests.flower import answers
    from tests.processes import wait_until

    address = f"http://127.0.0.1:{(port := free_port())}"
    process = opened.programs.spawn(COLLECTOR, sys.executable, "-m", "tests.benchmarks.collector", str(port))
    wait_until(lambda: answers(address), 30, "the collector listens")
    yield address, process.pid


def _environment(address: str, asked: argparse.Namespace) -> dict[str, str]:
    """What switches the parts on."""
    of: dict[str, dict[str, str]] = {
        "sentry": {"SENTRY_DSN": address.replace("//", "//key@") + "/1", "SENTRY_TRACES_SAMPLE_RATE": "0"},
        "traces": {
            "OTEL_EXPORTER_OTLP_ENDPOINT": address,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": asked.share,
            "OTEL_BSP_SCHEDULE_DELAY": EXPORTS,
        },
        "logs": {"LOG_STYLE": "json"},
        TWICE: {"SENTRY_TRACES_SAMPLE_RATE": asked.share},
    }
    return {name: value for part in (*PARTS, TWICE) if part in asked.parts for name, value in of[part].items()}


def _play(
    opened: arena.Arena, watched: dict[str, str], roots: dict[str, int], asked: argparse.Namespace
) -> dict[bool, list[Drained]]:
    speeds: dict[bool, list[Drained]] = {True: [], False: []}
    opened.programs.relay()
    environments = {True: watched, False: {"LOG_STYLE": "terminal"}}
    workers = {on: _warm_worker(opened, on, environments[on], asked) for on in (False, True)}
    time.sleep(GROWN_UP)
    for number in range(asked.rounds):
        for on, environment in environments.items():
            _enqueue(environment, "noop", QUEUES[on], asked.jobs)
        _settle_down(opened)
        for on in (bool(number % 2), not number % 2):
            speeds[on].append(_drain(opened, on, roots | {"worker": workers[on]}, asked))
        _forget()
        before, after = (speeds[on][-1].per_second for on in (False, True))
        print(f"round {number + 1} of {asked.rounds}: off {before:,.0f}/s, on {after:,.0f}/s", file=sys.stderr)
    return speeds


def _drain(opened: arena.Arena, on: bool, roots: dict[str, int], asked: argparse.Namespace) -> Drained:
    from config.celery import app

    here = {"destination": [_name(on)], "reply": True, "limit": 1, "timeout": 2}
    app.control.add_consumer(QUEUES[on], **here)
    began, before = _when(lambda: opened.counter.value() >= asked.jobs * HEAD), cpu.used(roots)
    ended, after = _when(lambda: opened.counter.value() >= asked.jobs), cpu.used(roots)
    app.control.cancel_consumer(QUEUES[on], **here)
    opened.counter.reset()
    timed = asked.jobs * (1 - HEAD)
    used = {name: (after[name] - before[name]) / timed for name in roots}
    return Drained(timed / (ended - began), sum(used.values()) - used[COLLECTOR], used)


def _name(on: bool) -> str:
    return f"{SIDES[on]}@benchmark"


def _warm_worker(opened: arena.Arena, on: bool, environment: dict[str, str], asked: argparse.Namespace) -> int:
    """Each of its children has run jobs and had something to send, so that its exporters' threads are there."""
    from config.celery import app
    from tests.processes import wait_until

    options = ("-n", _name(on), "--loglevel", asked.loglevel)
    worker = opened.programs.spawn("worker", *WORKER, WARM_UP, *options, env=environment)
    traced = {name: "1" for name in ("SENTRY_TRACES_SAMPLE_RATE", "OTEL_TRACES_SAMPLER_ARG") if name in environment}
    _enqueue(environment | traced, "nap", WARM_UP, WARMING)
    wait_until(lambda: opened.counter.value() >= WARMING, 60, "the worker has warmed up")
    assert _children_at_work() == CHILDREN, "one child did all the work: it is not warm"
    app.control.cancel_consumer(WARM_UP, destination=[_name(on)], reply=True, limit=1, timeout=2)
    opened.counter.reset()
    _forget()
    return worker.pid


def _children_at_work() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(DISTINCT split_part(claimed_by, '/', 3)) FROM idempotency_record")
        (found,) = cursor.fetchone()
    return int(found)


def _enqueue(environment: dict[str, str], task: str, queue: str, jobs: int) -> None:
    """From a process that is observed as the worker is, so that each job carries what it would in real life."""
    command = (sys.executable, "-m", "tests.benchmarks.requests", task, queue, str(jobs))
    subprocess.run(command, env={**os.environ, **environment}, check=True, cwd=ROOT)


def _settle_down(opened: arena.Arena) -> None:
    """Neither a checkpoint nor autovacuum falls into the one's turn and not into the other's."""
    with opened.connect(arena.OURS) as connection:
        connection.execute("VACUUM (ANALYZE) idempotency_record")
        connection.execute("CHECKPOINT")


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
    } | {f"{name}_us_{side}": median(d.of[name] for d in found[side == "on"]) for name in on[0].of for side in SIDES}


if __name__ == "__main__":
    sys.exit(main())
