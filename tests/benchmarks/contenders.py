"""Who is compared: for each, its workers, its caller and its settings. All meet the same servers and the same body."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from config.embedded.children import die_with_parent
from tests.benchmarks import waits
from tests.benchmarks.arena import Arena
from tests.benchmarks.environment import STOCK_BROKER
from tests.peers.environments import python_of
from tests.processes import ROOT, Program, wait_until

CHILDREN = 2
WARM_UP = 600  # of our jobs, so that both processes run and claims have found their size
BOOT = 90.0


@dataclass(frozen=True)
class Setup:
    """How a contender is set up.

    Args:
        name: as the report has it.
        says: its settings, in a sentence for the page.
        workers: one command line each, behind its Python.
        caller: the arguments of its driver, behind `-m`.
        requirements: pip's; none for what is in this environment.
        share: of our number of jobs, so that a round of each takes about as long.
        database: the name of its database.
        optional: compared only where it is asked for by name.
    """

    name: str
    says: str
    workers: Sequence[Sequence[str]]
    caller: Sequence[str]
    requirements: Sequence[str] = ()
    share: float = 1.0
    database: str = "ours"
    environment: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False

    @cached_property
    def python(self) -> Path:
        """Its interpreter; asking for it the first time installs it."""
        return python_of(f"benchmark-{self.name}", self.requirements) if self.requirements else Path(sys.executable)


class Caller:
    """The contender's own process that enqueues."""

    def __init__(self, setup: Setup, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [str(setup.python), "-m", *setup.caller],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
            env={**os.environ, **environment},
            preexec_fn=die_with_parent,  # noqa: PLW1509 - it only asks the kernel for a death signal
        )
        self._answer()

    def ask(self, verb: str, **arguments: Any) -> dict[str, Any]:
        self._process.stdin.write(json.dumps({"verb": verb, **arguments}) + "\n")
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a caller has ended with {self._process.wait()}: {self._process.args}")
        return dict(json.loads(line))

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(10)


class Contender:
    """One of them, started once for a work and frozen while others have their turn."""

    def __init__(self, setup: Setup, arena: Arena, *, workers: bool = True) -> None:
        self.setup, self._arena = setup, arena
        self.environment = {
            **setup.environment,
            "DATABASE_URL": arena.database(setup.database),
            "BROKER_URL": (broker := arena.empty_broker()),
            STOCK_BROKER: broker,
            waits.FILE: f"{arena.counter.path}-waits-{setup.name}",
            "PYTHONPATH": str(ROOT),
        }
        self.running: dict[str, Program] = {}
        self.caller = Caller(setup, self.environment)
        if workers:
            self._start_workers()
            self.freeze()

    @property
    def name(self) -> str:
        return self.setup.name

    def _start_workers(self) -> None:
        for number, arguments in enumerate(self.setup.workers):
            command = [str(self.setup.python), *arguments]
            name = f"{self.name}-{number}"
            self.running[name] = self._arena.programs.spawn(name, *command, env=self.environment)
        self.warm_up()

    def warm_up(self) -> None:
        """Some jobs before the clock starts: consumers connect, claims find their size."""
        jobs = max(20, int(WARM_UP * self.setup.share))
        self._arena.counter.reset()
        self.caller.ask("bulk", task="noop", count=jobs)
        wait_until(lambda: self._done(jobs), BOOT, f"{self.name} has warmed up")

    def _done(self, jobs: int) -> bool:
        for program in self.running.values():
            assert program.alive, f"{program.name} has ended\n{program.log()[-4000:]}"
        return self._arena.counter.value() >= jobs

    def freeze(self) -> None:
        for program in self.running.values():
            program.freeze()

    def thaw(self) -> None:
        for program in self.running.values():
            program.thaw()

    def left(self) -> int:
        return int(self.caller.ask("left")["left"])

    def stop(self) -> None:
        for program in self.running.values():
            program.kill()
        self.caller.close()
        self.running = {}
