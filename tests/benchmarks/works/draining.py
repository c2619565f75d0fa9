"""Draining a backlog that waits: the rate of ours against each peer's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from tests.benchmarks import body, systems
from tests.benchmarks.contenders import Setup
from tests.benchmarks.report import Run
from tests.benchmarks.rounds import Drained, drained
from tests.benchmarks.works import bare
from tests.benchmarks.works.stage import Stage


@dataclass(frozen=True)
class Drain:
    """Args:
    bars: of the peers' names.
    verb: how the backlog was enqueued, `bulk` or `singles`.
    size: of the backlog, as a share of the stage's number of jobs.
    vacuumed: before each turn, as autovacuum does within a minute of such a turn: where it has not been yet, jobs go
        to new pages, and who has them made instead of reusing others' pays for that and not for how many there are.
    body: what the jobs do, where it is to be compared with as many processes that do it without jobs.
    """

    work: str
    ours: Setup
    peers: Sequence[Setup]
    bars: Mapping[str, float]
    task: str = "noop"
    verb: str = "bulk"
    size: float = 1.0
    vacuumed: bool = False
    body: Callable[[], None] | None = None

    def __call__(self, stage: Stage) -> list[Run]:
        peers = stage.available(peer for peer in self.peers if not peer.optional or peer.name in stage.peers)
        found: dict[str, list[Drained]] = {setup.name: [] for setup in (self.ours, *peers)}
        loops: list[float] = []
        with stage.contenders(self.ours, *peers) as contenders:
            for order in stage.turns(contenders):
                for contender in order:
                    if self.vacuumed:
                        _vacuum(stage, contender.setup.database)
                    jobs = max(20, int(stage.jobs * self.size * contender.setup.share))
                    turn = drained(contender, stage.arena, jobs, task=self.task, verb=self.verb)
                    assert turn.accounted_for, f"{contender.name}: {turn.bodies} bodies ran of {turn.jobs} jobs"
                    found[contender.name].append(turn)
                    stage.advance(f"{self.work}: {contender.name} {turn.rate:,.0f} jobs/s")
                if self.body:
                    loops.append(bare.rate(self.body, stage.jobs))
        ours = found.pop(self.ours.name)
        compared = [self._run(stage, name, ours, theirs) for name, theirs in found.items()]
        if loops:
            pairs = [(turn.rate, rate) for turn, rate in zip(ours, loops, strict=True)]
            compared.append(Run(self.work, "a bare loop", pairs, "jobs/s", load=stage.load[-stage.rounds :]))
        return compared

    def _run(self, stage: Stage, peer: str, ours: Sequence[Drained], theirs: Sequence[Drained]) -> Run:
        return Run(
            work=self.work,
            peer=peer,
            pairs=[(a.rate, b.rate) for a, b in zip(ours, theirs, strict=True)],
            unit="jobs/s",
            bar=self.bars.get(peer),
            more={"cpu_us_per_job": {"ours": cpu_of(ours), "peer": cpu_of(theirs)},
                  "ratio_of_cpu": _ratio_of_cpu(ours, theirs)},
            load=stage.load[-stage.rounds:],
        )  # fmt: skip


def _vacuum(stage: Stage, database: str) -> None:
    with stage.arena.connect(database) as connection:
        connection.execute("VACUUM idempotency_record")


def _ratio_of_cpu(ours: Sequence[Drained], theirs: Sequence[Drained]) -> float | None:
    """None where ours was done before the processor's clock, which counts hundredths of a second, moved at all."""
    spent = sum(cpu_of(ours).values())
    return round(sum(cpu_of(theirs).values()) / spent, 1) if spent else None


def cpu_of(turns: Sequence[Drained]) -> dict[str, float]:
    return {name: round(median(turn.cpu_us[name] for turn in turns), 1) for name in turns[0].cpu_us}


DRAIN = Drain("drain", systems.OURS, (*systems.MAIN, systems.CELERY_EVENTS, *systems.OTHERS),
              {"celery": 12, "pgqueuer-100": 1})  # fmt: skip
QUIET = Drain("drain-quiet", systems.OURS_QUIET, systems.MAIN, {"celery": 20, "pgqueuer-100": 1.5})
SENTRY = Drain("drain-sentry", systems.OURS_SENTRY, (systems.CELERY_SENTRY,), {"celery-sentry": 10})
# As docs/performance.md advises where bodies ask the database; of the bare loop's connections as well.
ORM = Drain("drain-orm", systems.prepared(systems.OURS), (systems.prepared(systems.CELERY_DJANGO),),
            {"celery-django": 25}, task="query", body=body.query)  # fmt: skip
SINGLES = Drain("drain-singles", systems.OURS, (systems.CELERY,), {"celery": 5}, verb="singles", size=0.25)


def history(stage: Stage) -> list[Run]:
    """Against a database in which nothing has ever run."""
    from tests.benchmarks.works import past

    name = past.database(stage)
    full, empty = (systems.ours(n, systems.EVENTS, database=d) for n, d in (("full", name), ("empty", "ours")))
    return Drain("history", full, (empty,), {"empty": 0.95}, vacuumed=True)(stage)


def breadth(stage: Stage) -> list[Run]:
    """Sixteen queues and a hundred kinds of jobs against one of each."""
    queues = ",".join(f"breadth-{number}" for number in range(16))
    broad = systems.ours("broad", systems.EVENTS, queues=f"backlog,{queues}")
    broad = replace(broad, caller=(*broad.caller, "broad"))
    narrow = systems.ours("one-queue", systems.EVENTS)
    return Drain("breadth", broad, (narrow,), {"one-queue": 0.9})(stage)
