"""`python -m tests.benchmarks.memory_growth`: whether a worker grows while it runs a million jobs.

A worker of two children with default settings and task events on, and its relay, run no-op jobs that are enqueued in
chunks beside them; the relay prunes after some seconds, so that the table stays small. Each process's memory is read
again and again from outside. Ends with status 1 where any of them grows by more than the bound.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

from tests.benchmarks import arena, report, systems
from tests.benchmarks.contenders import Contender
from tests.benchmarks.environment import RETENTION
from tests.benchmarks.works.memory import of_process
from tests.processes import wait_until

JOBS = 1_000_000
CHUNK = 5_000  # jobs enqueued at once
WAITING = 15_000  # jobs that wait at the least: no child ever idles
SAMPLES = 100
WARM = 0.2  # of the jobs: by then caches are filled
BOUND = 8.0  # bytes per job: a list that somebody forgets to empty keeps a pointer of that size, at the least
FIELDS = ("Pss", "Rss", "Anonymous")
KEPT = 20  # seconds that a record is kept


@dataclass(frozen=True)
class Sample:
    """Jobs that had run, and megabytes (MiB) of each process by the kernel's names.

    `Pss` counts a page that several share by their shares, `Rss` counts it whole. `Anonymous` is what a process has
    filled itself or was born with: it does not change when a shared page becomes its own, only when there are more.
    """

    jobs: int
    mib: Mapping[str, Mapping[str, float]]


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    with arena.opened() as opened:
        setup = replace(systems.OURS, environment={RETENTION: str(KEPT)})
        contender = Contender(setup, opened)
        try:
            samples = list(_drain(contender, opened, asked.jobs))
        finally:
            contender.stop()
    found = summary(samples, asked.bound)
    print(json.dumps(found) if asked.json else _text(found))
    return int(found["grows"])


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.memory_growth", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"to run ({JOBS:,})")
    parser.add_argument("--bound", type=float, default=BOUND, help=f"bytes per job that are no growth ({BOUND:g})")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser.parse_args(arguments)


# -- the run ----------------------------------------------------------------------------------------------------------


def _drain(contender: Contender, opened: arena.Arena, jobs: int) -> Iterator[Sample]:
    opened.counter.reset()
    contender.thaw()
    processes = _processes(contender)
    enqueued, step = 0, max(1, jobs // SAMPLES)
    for due in range(step, jobs + 1, step):
        while (done := opened.counter.value()) < due:
            if enqueued < jobs and enqueued - done < WAITING:
                enqueued += _enqueue(contender, min(CHUNK, jobs - enqueued))
            else:
                time.sleep(0.01)
            assert _processes(contender) == processes, "a child has ended"
        yield _sample(done, processes)
        print(f"{done:,} of {jobs:,} jobs", end="\r", file=sys.stderr, flush=True)
    wait_until(lambda: contender.left() == 0, 60, "every job is settled")
    assert opened.counter.value() == jobs


def _enqueue(contender: Contender, count: int) -> int:
    contender.caller.ask("bulk", task="noop", count=count)
    return count


def _processes(contender: Contender) -> dict[str, int]:
    """Pids by what they are."""
    worker, relay = contender.running.values()
    children = {f"child {number}": pid for number, pid in enumerate(worker.children(), 1)}
    return {"parent": worker.pid, **children, "relay": relay.pid}


def _sample(done: int, processes: Mapping[str, int]) -> Sample:
    return Sample(done, {name: {field: of_process(pid, field) for field in FIELDS} for name, pid in processes.items()})


# -- what it came to --------------------------------------------------------------------------------------------------


def summary(samples: Sequence[Sample], bound: float = BOUND) -> dict[str, Any]:
    """Of each process its memory in the first tenth and the last, MiB, and the slope of what it has filled itself."""
    tenth = max(1, len(samples) // 10)
    warm = [s for s in samples if s.jobs >= WARM * samples[-1].jobs]
    processes = {
        name: {
            **{f"{field.lower()}_{when}": round(median(s.mib[name][field] for s in some), 2)
               for field in FIELDS for when, some in (("first", samples[:tenth]), ("last", samples[-tenth:]))},
            "bytes_per_job": round(_slope([(s.jobs, s.mib[name]["Anonymous"] * 2**20) for s in warm]), 2),
        }
        for name in samples[0].mib
    }  # fmt: skip
    growth = max(p["bytes_per_job"] for p in processes.values())
    return {
        "jobs": samples[-1].jobs,
        "processes": processes,
        "bytes_per_job": growth,
        "bound": bound,
        "grows": growth > bound,
        "samples": [asdict(sample) for sample in samples],
        "machine": report.machine(),
    }


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line that fits best."""
    middle = [sum(values) / len(points) for values in zip(*points, strict=True)]
    apart = [(x - middle[0], y - middle[1]) for x, y in points]
    return sum(x * y for x, y in apart) / sum(x * x for x, _ in apart)


def _text(found: Mapping[str, Any]) -> str:
    shown = ("pss_first", "pss_last", "rss_last", "anonymous_first", "anonymous_last", "bytes_per_job")
    lines = [
        f"{found['jobs']:,} jobs; MiB in the first tenth and in the last",
        " " * 10 + "".join(f"{n:>17}" for n in shown),
    ]
    for name, process in found["processes"].items():
        lines += [f"{name:<10}" + "".join(f"{process[key]:>17.2f}" for key in shown)]
    return "\n".join(
        [*lines, f"{'grows' if found['grows'] else 'does not grow'} (bound {found['bound']:g} bytes a job)"]
    )


if __name__ == "__main__":
    sys.exit(main())
