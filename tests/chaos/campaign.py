"""One run: window after window of faults, each followed by healing, draining and judging; and what is kept of it."""

import json
import subprocess
import time
from collections import Counter
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.chaos import pace
from tests.chaos.checker import Verdict, judge
from tests.chaos.history import History, gather
from tests.chaos.recovery import recoveries
from tests.chaos.report import Figures, Report
from tests.chaos.screen import Screen
from tests.chaos.war import Orders, War
from tests.chaos.world import CROWD, RATE, RELIEF, World
from tests.processes import ROOT, wait_until

DRAIN = 60.0  # seconds for the rest of the jobs; far beyond what recovery may take
THROTTLE = 0.5  # seconds between two looks at the backlog


@dataclass
class State:
    """What a later run needs to go on: the file of `--resume`."""

    seed: int
    broker: str
    places: dict[str, int] = field(default_factory=dict)
    sessions: list[Figures] = field(default_factory=list)

    @classmethod
    def load(cls, file: Path | None, seed: int, broker: str) -> Self:
        """Raises ValueError when the file is another run's."""
        if file is None or not file.exists():
            return cls(seed, broker)
        kept: dict[str, Any] = json.loads(file.read_text())
        if (kept["seed"], kept["broker"]) != (seed, broker):
            raise ValueError(f"{file} belongs to seed {kept['seed']} on {kept['broker']}. Name these, or another file.")
        return cls(seed, broker, kept["places"], [Figures(**session) for session in kept["sessions"]])

    def save(self, file: Path | None) -> None:
        if file:
            new = file.with_suffix(".new")
            new.write_text(json.dumps(asdict(self)))
            new.rename(file)

    @property
    def landed(self) -> int:
        return sum(sum(session.landed.values()) for session in self.sessions)


@dataclass
class Campaign:
    """Use as a context: the world is up inside, and gone afterwards."""

    orders: Orders
    faults: int
    evidence: Path
    state: State
    file: Path | None
    screen: Screen
    mistake: str = ""
    window: int = 30  # landed faults between two judgements

    def __enter__(self) -> Self:
        self.begun = time.monotonic()
        self.screen.say(
            f"starting PostgreSQL, {self.state.broker}, workers, relays, callers; evidence: {self.evidence}"
        )
        self.world = World(self.evidence, self.state.broker, self.orders.seed, self.mistake)
        try:
            self.world.open()
        except BaseException:
            self.world.close()
            raise
        self.war = War(self.world, self.orders, self.evidence / "faults.jsonl", dict(self.state.places))
        self.figures = Figures(commit=commit())
        self.state.sessions.append(self.figures)
        self.looked = 0.0
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.world.close()

    def run(self) -> Report:
        """Inflict what is left to inflict; stops early at a violation, or when the war is given up."""
        before = self.state.landed
        more = True
        while more and before + len(self.war.landed) < self.faults and not self.war.given_up.is_set():
            quota = min(len(self.war.landed) + self.window, self.faults - before)
            self.world.stir()
            with closing(self.world.sight()) as self.sight:
                more = self.war.wage(quota, self._watch)
                self._judge()
            self.state.places = self.war.places
            self.state.save(self.file)
            if self.figures.violations:
                break
        complete = not more or self.state.landed >= self.faults
        return Report(self.orders.seed, self.state.broker, self.faults, self.state.sessions, self.war.impossible(),
                      complete, about())  # fmt: skip

    def _watch(self) -> None:
        """Keep the load such that children are busy and the backlog short."""
        if time.monotonic() - self.looked < THROTTLE:
            return
        self.looked = time.monotonic()
        waiting = self.sight.open()
        if waiting > CROWD:
            self.world.hold.touch()
        elif 0 <= waiting < RELIEF:
            self.world.hold.unlink(missing_ok=True)
        landed = self.state.landed - sum(self.figures.landed.values()) + len(self.war.landed)
        self.screen.show(landed, self.faults, f"{max(waiting, 0)} jobs open, {self.war.missed.total()} faults missed")

    def _judge(self) -> None:
        self.screen.say(f"{len(self.war.landed)} faults have landed; draining and judging")
        ended = self.world.ended_by_themselves()
        ticking = self.world.calm(self.sight)
        with suppress(AssertionError):  # what is left is the judge's to name
            wait_until(lambda: self.sight.open() == 0, DRAIN)
        history = gather(sorted(self.evidence.glob("*.history")), self.evidence / "ledger.sqlite3", self.sight, ticking)
        self._enter(judge(history), history)
        beside = {"ended_by_itself": ended, "audit": self.world.audit()}
        self.figures.violations |= {name: found for name, found in beside.items() if found}

    def _enter(self, verdict: Verdict, history: History) -> None:
        """Put it into the figures; the history is of the whole session, so they are replaced and not added to."""
        ends = {r.id: r.finished_at.timestamp() for r in history.records if r.finished_at}
        times = recoveries(self.war.landed, ends, [worker.name for worker in self.world.workers])
        figures = self.figures
        for name, value in vars(verdict).items():
            setattr(figures, name, value)
        figures.landed = dict(Counter(fault.kind for fault in self.war.landed))
        figures.missed = dict(self.war.missed)
        figures.recoveries = [seconds for seconds in times.values() if seconds is not None]
        figures.windows += 1
        figures.seconds = time.monotonic() - self.begun
        told = {name: round(seconds, 1) for name, seconds in times.items() if seconds is not None}
        (self.evidence / "recoveries.json").write_text(json.dumps(told))


def commit() -> str:
    """Which state of the code runs, as far as git knows."""
    asked = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(asked, cwd=ROOT, capture_output=True, text=True).stdout.strip()


def about() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "lease_seconds": pace.LEASE,
        "time_limits_seconds": pace.LIMITS,
        "workers": "2 x prefork -c 2",
        "relays": 2,
        "beats": "2, of three schedules that tick once a second",
        "callers": f"2, {RATE:g} calls/s each at most",
        "fsync": "off: processes are killed here, machines are not",
    }
