"""From the call to the start of the body, in workers that have nothing else to do.

Jobs of both come in turns, 20 a second of each: the same second is good or bad for both.
"""

import time
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import quantiles

from tests.benchmarks import systems, waits
from tests.benchmarks.arena import PRISTINE
from tests.benchmarks.contenders import Contender
from tests.benchmarks.report import Run
from tests.benchmarks.works.stage import Stage
from tests.processes import wait_until

RATE = 20  # jobs a second of each
SAMPLES = 160  # of each in a round
BARS = {50: 1.25, 99: 1.5}
IDLE = "idle"  # a database of its own: what other works have left would be drained, and vacuumed, meanwhile


def latency(stage: Stage) -> list[Run]:
    found: dict[str, list[list[float]]] = {}
    stage.arena.database(IDLE, PRISTINE)
    compared = [replace(setup, database=IDLE) for setup in (systems.OURS_QUIET, systems.AFTER_INSERT)]
    with stage.contenders(*compared) as contenders:
        for contender in contenders:
            contender.thaw()
            contender.warm_up()
        _round(contenders, 20)
        for _ in stage.turns(contenders):
            for name, milliseconds in _round(contenders, SAMPLES).items():
                found.setdefault(name, []).append(milliseconds)
            stage.advance("latency")
    ours, theirs = found[systems.OURS_QUIET.name], found[systems.AFTER_INSERT.name]
    return [_run(stage, percent, ours, theirs) for percent in BARS]


def _run(stage: Stage, percent: int, ours: list[list[float]], theirs: list[list[float]]) -> Run:
    pairs = [(_percentile(a, percent), _percentile(b, percent)) for a, b in zip(ours, theirs, strict=True)]
    pooled = {"ours": _percentile([*chain(*ours)], percent), "peer": _percentile([*chain(*theirs)], percent)}
    return Run(
        work="latency",
        peer=f"{systems.AFTER_INSERT.name} p{percent}",
        pairs=pairs,
        unit="ms",
        bar=BARS[percent],
        low=True,
        more={"of_all_rounds": {name: round(value, 2) for name, value in pooled.items()}},
        load=stage.load[-stage.rounds :],
    )


def _round(contenders: list[Contender], samples: int) -> dict[str, list[float]]:
    """Milliseconds of each. Who was called first in a file of its own has waited last."""
    files = {c.name: Path(f"{c.environment[waits.FILE]}") for c in contenders}
    for path in files.values():
        path.write_bytes(b"")
    begin, apart = time.monotonic(), 1 / RATE / len(contenders)
    for number in range(samples * len(contenders)):
        time.sleep(max(0.0, begin + number * apart - time.monotonic()))
        contenders[number % len(contenders)].caller.ask("stamped", task="timed")
    wait_until(lambda: all(len(waits.read(p)) >= samples for p in files.values()), 30, "the last job has begun")
    return {name: [(started - called) * 1e3 for called, started in waits.read(p)] for name, p in files.items()}


def _percentile(milliseconds: list[float], percent: int) -> float:
    return quantiles(milliseconds, n=100, method="inclusive")[percent - 1]
