"""One round of one contender: enqueue, release, watch until every job has ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import cpu
from tests.benchmarks.body import Counter
from tests.benchmarks.contenders import BACKLOG, WARM_UP, Contender
from tests.processes import wait_until

WARM_UP_JOBS = 100
ONE_BY_ONE = 200  # of the backlog: enough for a rate, few enough not to bore
HEAD = 0.02  # of the jobs, before the clock starts: consumers connect, claims find their size
LOOK = 0.002  # seconds between two looks at the counter
LONGEST = 180.0


@dataclass(frozen=True)
class Drained:
    """What one round of one contender came to."""

    contender: str
    jobs: int
    bodies: int
    unfinished: int
    seconds: float
    jobs_per_second: float
    cpu_us_per_job: dict[str, float]
    enqueued_one_by_one_per_second: float
    enqueued_bulk_per_second: float
    enqueue_bulk_cpu_us_per_job: float


def run(contender: Contender, jobs: int, counter: Counter, servers: dict[str, int]) -> Drained:
    """A fresh worker, warmed up; a backlog that waits; the drain."""
    contender.start()
    try:
        _warm_up(contender, counter)
        single, bulk, client_cpu = _enqueue(contender, jobs)
        roots = servers | {name: program.pid for name, program in contender.running.items()}
        contender.release()
        seconds, spent = _drain(contender, jobs, counter, roots)
        timed = jobs - int(jobs * HEAD)
        return Drained(
            contender=contender.name,
            jobs=jobs,
            bodies=counter.value(),
            unfinished=contender.unfinished(),
            seconds=seconds,
            jobs_per_second=timed / seconds,
            cpu_us_per_job={name: us / timed for name, us in spent.items()} | {"total": sum(spent.values()) / timed},
            enqueued_one_by_one_per_second=single,
            enqueued_bulk_per_second=bulk,
            enqueue_bulk_cpu_us_per_job=client_cpu,
        )
    finally:
        contender.stop()


def _warm_up(contender: Contender, counter: Counter) -> None:
    counter.reset()
    contender.enqueue_bulk(range(WARM_UP_JOBS), WARM_UP)
    wait_until(lambda: counter.value() == WARM_UP_JOBS, 60, f"{contender.name} has warmed up")
    counter.reset()


def _enqueue(contender: Contender, jobs: int) -> tuple[float, float, float]:
    """Jobs per second one by one and in bulk, and microseconds of this process per job in bulk."""
    singles = range(min(ONE_BY_ONE, jobs // 2))
    one_by_one, _ = _timed(lambda: [contender.enqueue(number, BACKLOG) for number in singles])
    rest = range(len(singles), jobs)
    bulk, spent = _timed(lambda: contender.enqueue_bulk(rest, BACKLOG))
    return len(singles) / one_by_one, len(rest) / bulk, spent / len(rest) * 1e6


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    began, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - spent


def _drain(contender: Contender, jobs: int, counter: Counter, roots: dict[str, int]) -> tuple[float, dict[str, float]]:
    """Seconds and microseconds of processor between the head's end and the last job's."""
    _watch(lambda: counter.value() >= int(jobs * HEAD), contender)
    began, spent = time.perf_counter(), cpu.used(roots)
    _watch(lambda: counter.value() >= jobs, contender)
    _watch(lambda: contender.unfinished() == 0, contender)
    seconds, total = time.perf_counter() - began, cpu.used(roots)
    return seconds, {name: total[name] - spent[name] for name in roots}


def _watch(reached: Callable[[], bool], contender: Contender) -> None:
    limit = time.monotonic() + LONGEST
    while not reached():
        if time.monotonic() > limit:
            raise AssertionError(f"{contender.name} stands still\n{contender.running['worker'].log()[-4000:]}")
        time.sleep(LOOK)
