"""Jobs that take five milliseconds each, against two processes that do nothing but sleep as often."""

import multiprocessing
import time

from tests.benchmarks import body, systems
from tests.benchmarks.contenders import CHILDREN
from tests.benchmarks.report import Run
from tests.benchmarks.rounds import drained
from tests.benchmarks.works.stage import Stage

JOBS = 4000  # ten seconds of two processes: the last claims end at different times
BARE = 1000  # bodies of the loop


def five_ms(stage: Stage) -> list[Run]:
    ours, bare = [], []
    with stage.contenders(systems.OURS) as (contender,):
        for number, _ in enumerate(stage.turns((0, 1))):
            for who in (("ours", "bare"), ("bare", "ours"))[number % 2]:
                if who == "ours":
                    ours.append(drained(contender, stage.arena, JOBS, task="nap"))
                else:
                    bare.append(_bare(BARE))
                stage.advance(f"five-ms: {who}")
    rates = [turn.rate for turn in ours]
    load = stage.load[-stage.rounds :]
    by_clock = CHILDREN / body.NAP
    return [
        Run("five-ms", "a bare loop", list(zip(rates, bare, strict=True)), "jobs/s", bar=0.97, load=load),
        Run("five-ms", "the clock", [(rate, by_clock) for rate in rates], "jobs/s", load=load),
    ]


def _bare(jobs: int) -> float:
    """Bodies a second of processes that have no jobs, no database and no broker."""
    processes = [multiprocessing.Process(target=_loop, args=(jobs // CHILDREN,)) for _ in range(CHILDREN)]
    began = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return jobs / (time.perf_counter() - began)


def _loop(jobs: int) -> None:
    for _ in range(jobs):
        body.nap()
