"""What it takes to ask for jobs: time of one call in a transaction of its own, and jobs per second in bulk."""

from statistics import median
from typing import Any

from tests.benchmarks import systems
from tests.benchmarks.contenders import Contender, Setup
from tests.benchmarks.report import Run
from tests.benchmarks.works.stage import Stage

CALLS = 400  # one by one, in a turn
BULK = 5  # times the stage's number of jobs
PUBLISHED = 0.05  # of that for who publishes one by one: a turn of each then takes about as long


def singles(stage: Stage) -> list[Run]:
    """Milliseconds of one call. No worker runs: queues fill up, as behind a web server at its busiest."""
    setups = _asked(stage, systems.OURS, systems.AFTER_INSERT, systems.CELERY, systems.PGQUEUER)
    found: dict[str, list[dict[str, Any]]] = {setup.name: [] for setup in setups}
    with stage.contenders(*setups, workers=False) as contenders:
        for contender in contenders:
            contender.caller.ask("singles", task="noop", count=100)  # connects, plans, fills its window
        for order in stage.turns(contenders):
            for contender in order:
                found[contender.name].append(_per_call(contender.caller.ask("singles", task="noop", count=CALLS)))
                stage.advance(f"enqueue: {contender.name} {found[contender.name][-1]['seconds']:.2f} ms")
    bars = {systems.AFTER_INSERT.name: 1.2, systems.CELERY.name: None, systems.PGQUEUER.name: None}
    return [_run(stage, "enqueue", name, bar, found, "ms/call", low=True)
            for name, bar in bars.items() if name in found]  # fmt: skip


def _asked(stage: Stage, *setups: Setup) -> list[Setup]:
    return stage.available(setup for setup in setups if not setup.optional or setup.name in stage.peers)


def _per_call(told: dict[str, Any]) -> dict[str, Any]:
    return {"seconds": told["seconds"] / CALLS * 1e3, "cpu": told["cpu"] / CALLS * 1e6}


def many(stage: Stage) -> list[Run]:
    setups = _asked(stage, systems.OURS, systems.CELERY, systems.PGQUEUER)
    found: dict[str, list[dict[str, Any]]] = {setup.name: [] for setup in setups}
    with stage.contenders(*setups, workers=False) as contenders:
        for contender in contenders:
            contender.caller.ask("bulk", task="noop", count=1000)
        for order in stage.turns(contenders):
            for contender in order:
                found[contender.name].append(_rate(contender, stage))
                stage.advance(f"enqueue-many: {contender.name} {found[contender.name][-1]['seconds']:,.0f} jobs/s")
    bars = {systems.CELERY.name: 15.0, systems.PGQUEUER.name: 1.5}
    return [_run(stage, "enqueue-many", name, bar, found, "jobs/s", low=False)
            for name, bar in bars.items() if name in found]  # fmt: skip


def _rate(contender: Contender, stage: Stage) -> dict[str, Any]:
    jobs = int(stage.jobs * BULK * (PUBLISHED if contender.name == systems.CELERY.name else 1))
    told = contender.caller.ask("bulk", task="noop", count=jobs)
    return {"seconds": jobs / told["seconds"], "cpu": told["cpu"] / jobs * 1e6}


def _run(stage: Stage, work: str, peer: str, bar: float | None, found: Any, unit: str, *, low: bool) -> Run:
    ours, theirs = found[systems.OURS.name], found[peer]
    return Run(
        work=work,
        peer=peer,
        pairs=[(a["seconds"], b["seconds"]) for a, b in zip(ours, theirs, strict=True)],
        unit=unit,
        bar=bar,
        low=low,
        more={"callers_cpu_us": {"ours": round(median(turn["cpu"] for turn in ours), 1),
                                 "peer": round(median(turn["cpu"] for turn in theirs), 1)}},
        load=stage.load[-stage.rounds:],
    )  # fmt: skip
