"""One supervised program: started, watched, started again when it dies."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from config.demo.errors import DemoError
from config.demo.programs import CHECKOUT, Program
from config.embedded.children import start
from config.embedded.server import tail

# A program that dies this young, so often in a row, will not work the next time either.
YOUNG_SECONDS = 10.0
EARLY_DEATHS = 4


class Member:
    """A program with its process, which leads a process group: its children are addressed with it."""

    def __init__(self, program: Program, environment: Mapping[str, str], logs: Path) -> None:
        """Start it."""
        self.program = program
        self.environment = environment
        self.log = logs / f"{program.name}.log"
        self.restarts = 0
        self.early_deaths = 0
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start its process."""
        self.started = time.monotonic()
        self.said_before = self.log.stat().st_size if self.log.exists() else 0
        return start(self.program.command, log=self.log, environment=self.environment, cwd=CHECKOUT)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process.poll() is None

    @property
    def ready(self) -> bool:
        """Whether it is at work."""
        return self.alive and self.program.ready(self.said)

    @property
    def said(self) -> str:
        """What it has logged since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self.said_before)
            return log.read().decode(errors="replace")

    def watch(self) -> str:
        """Start it again if it has died, and return a sentence about it."""
        if self.alive:
            return ""
        young = time.monotonic() - self.started < YOUNG_SECONDS
        self.early_deaths = self.early_deaths + 1 if young else 0
        if self.early_deaths >= EARLY_DEATHS:
            raise DemoError(f"{self.program.name} keeps dying. Its log {self.log} ends with:\n{tail(self.log)}")
        self.restarts += 1
        self.signal(signal.SIGKILL)  # what it may have left of its children
        death = end_of(self.process.returncode)
        self.process = self.start()
        return f"{self.program.name} died ({death}) and was started again"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and its children at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def ask_to_stop(self) -> None:
        """Send SIGTERM to the program alone, which ends its children in its own way."""
        if self.alive:
            self.process.terminate()
            self.signal(signal.SIGCONT)  # a frozen one hears nothing

    def end(self, deadline: float) -> None:
        """Wait for it until the deadline, then kill what is left of it."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        self.signal(signal.SIGKILL)
        self.process.wait()


def end_of(code: int) -> str:
    """Name how a process ended."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
