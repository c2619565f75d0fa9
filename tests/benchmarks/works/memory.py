"""Proportional memory of a whole worker, its parent and two children, when it has done some work."""

from pathlib import Path

from config.embedded.children import descendants
from tests.benchmarks import systems
from tests.benchmarks.contenders import Contender, Setup
from tests.benchmarks.report import Run
from tests.benchmarks.works.stage import Stage
from tests.processes import wait_until

JOBS = 4000  # each with a query: connections are open, caches are filled


def memory(stage: Stage) -> list[Run]:
    setups = (systems.OURS, systems.CELERY_DJANGO)
    found: dict[str, list[dict[str, float]]] = {setup.name: [] for setup in setups}
    for _ in stage.turns(setups):
        for setup in setups:
            found[setup.name].append(_of_fresh_worker(stage, setup))
            stage.advance(f"memory: {setup.name} {found[setup.name][-1]['worker']:.0f} MiB")
    ours, theirs = found.values()
    return [
        Run(
            work="memory",
            peer=systems.CELERY_DJANGO.name,
            pairs=[(a["worker"], b["worker"]) for a, b in zip(ours, theirs, strict=True)],
            unit="MiB PSS",
            bar=1.1,
            low=True,
            more={"parent": {"ours": round(ours[-1]["parent"], 1), "peer": round(theirs[-1]["parent"], 1)},
                  "relay": round(ours[-1]["relay"], 1)},
            load=stage.load[-stage.rounds:],
        )
    ]  # fmt: skip


def _of_fresh_worker(stage: Stage, setup: Setup) -> dict[str, float]:
    with stage.contenders(setup) as (contender,):
        contender.thaw()
        jobs = int(JOBS * setup.share)
        stage.arena.counter.reset()
        contender.caller.ask("bulk", task="query", count=jobs)
        wait_until(lambda: stage.arena.counter.value() >= jobs, 60, "the jobs are done")
        return _pss(contender)


def _pss(contender: Contender) -> dict[str, float]:
    """Of the worker with its children, of its parent alone, and of what runs beside it, MiB."""
    worker, *beside = (program.pid for program in contender.running.values())
    return {
        "worker": sum(map(of_process, (worker, *descendants(worker)))),
        "parent": of_process(worker),
        "relay": sum(map(of_process, beside)),
    }


def of_process(pid: int, field: str = "Pss") -> float:
    """Its memory, MiB; `field` as the kernel names it."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(line.split()[1]) / 1024
