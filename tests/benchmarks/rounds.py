"""One turn of one contender: enqueue while its workers are frozen, let them go, watch until every job has ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import cpu
from tests.benchmarks.arena import Arena
from tests.benchmarks.contenders import Contender

HEAD = 0.02  # of the jobs, before the clock starts: whoever was frozen finds its feet
LOOK = 0.002  # seconds between two looks at the counter
LONGEST = 180.0


@dataclass(frozen=True)
class Drained:
    """What one turn came to. `cpu_us` is the processor's time per job: workers, database, broker."""

    jobs: int
    bodies: int
    seconds: float
    rate: float
    cpu_us: dict[str, float]
    enqueued: dict[str, float]

    @property
    def accounted_for(self) -> bool:
        return self.bodies == self.jobs


def drained(contender: Contender, arena: Arena, jobs: int, *, task: str = "noop", verb: str = "bulk") -> Drained:
    """The rate at which a waiting backlog is drained."""
    contender.thaw()
    contender.warm_up()
    contender.freeze()
    arena.counter.reset()
    enqueued = contender.caller.ask(verb, task=task, count=jobs)
    contender.thaw()
    try:
        seconds, spent = _watched(contender, arena, jobs)
    finally:
        contender.freeze()
    timed = jobs - int(jobs * HEAD)
    per_job = {name: us / timed for name, us in spent.items()}
    return Drained(jobs, arena.counter.value(), seconds, timed / seconds, per_job, enqueued)


def _watched(contender: Contender, arena: Arena, jobs: int) -> tuple[float, dict[str, float]]:
    """Seconds and microseconds of processor between the head's end and the end of the last job."""
    roots = {**arena.servers, **{name: program.pid for name, program in contender.running.items()}}
    _wait(lambda: arena.counter.value() >= max(1, int(jobs * HEAD)), contender)
    began, spent = time.perf_counter(), cpu.used(roots)
    _wait(lambda: arena.counter.value() >= jobs, contender)
    ended, total = _ended(contender), cpu.used(roots)
    seconds = ended - began
    used = {name: total[name] - spent[name] for name in roots}
    servers = {name: used.pop(name) for name in arena.servers}
    return seconds, {"workers": sum(used.values()), **servers}


def _ended(contender: Contender) -> float:
    """When nothing was left: the moment of the question, for to count what is left takes some of them longer."""
    asked = 0.0

    def none_left() -> bool:
        nonlocal asked
        asked = time.perf_counter()
        return contender.left() == 0

    _wait(none_left, contender)
    return asked


def _wait(reached: Callable[[], bool], contender: Contender) -> None:
    limit = time.monotonic() + LONGEST
    while not reached():
        if time.monotonic() > limit:
            logs = "\n".join(program.log()[-2000:] for program in contender.running.values())
            raise AssertionError(f"{contender.name} stands still\n{logs}")
        time.sleep(LOOK)
