"""Real programs for tests: workers, relays and whatever else; each in a process group of its own.

Nothing started here outlives its test, nor pytest if that is killed. Tests never sleep: they say what they wait for.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from config.embedded.children import start
from tests.janitor import Janitor, gone

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent
POLL = 0.02  # seconds; a test notices soon and the poll costs nothing beside what it waits for
# Waits are written down as an idle machine needs them, and end that many times later: only a test that fails takes so
# long. One that is to fail has no need of it.
PATIENCE = float(os.environ.get("TESTS_PATIENCE", "4"))


def wait_until(predicate: Callable[[], T], timeout: float = 15, message: str = "") -> T:
    """Return the predicate's first true value.

    Raises:
        AssertionError: it stayed false for `timeout` seconds, times `PATIENCE`; says so with `message` and the last
            value.
    """
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while not (value := predicate()):
        if time.monotonic() > deadline:
            what = message or getattr(predicate, "__name__", "it")
            raise AssertionError(f"{what}: not so within {timeout:g} s, last seen {value!r}")
        time.sleep(POLL)
    return value


def listen_to_interrupts() -> None:
    """A shell's background job, such as a test run on a build server, ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Program:
    """One started program, its process group and its log."""

    def __init__(self, name: str, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log_path = log
        log.touch()
        self.process = start(command, log=log, environment=env, become=listen_to_interrupts, cwd=ROOT)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def children(self) -> list[int]:
        """The pids of its direct children; of a prefork worker those that run the jobs, oldest first."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == self.pid and state != "Z":
                found.append(int(stat.parent.name))
        return sorted(found)

    def wait_for_log(self, text: str, timeout: float = 30) -> None:
        """Wait until its log holds the text; fails at once when the program ends without having said it."""
        wait_until(
            lambda: text in self.log() or not self.alive, timeout, f"{self.name} says {text!r}\n{self.log()[-4000:]}"
        )
        assert text in self.log(), f"{self.name} ended with {self.process.returncode}\n{self.log()[-4000:]}"

    def wait_for_end(self, timeout: float = 30) -> int:
        """Wait until the program has ended by itself, and return its exit code."""
        wait_until(lambda: not self.alive, timeout, f"{self.name} ends")
        return self.process.wait()

    def signal(self, number: int) -> None:
        """Send a signal to the program alone, as an operator would."""
        self.process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to the program and all its descendants at once, as a machine that goes down does."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL the program and all its descendants, and return when none is left."""
        self.signal_group(signal.SIGKILL)
        self.process.wait()
        wait_until(lambda: gone(self.pid), 10, f"the process group of {self.name} is empty")

    def freeze(self) -> None:
        """SIGSTOP: alive, holding everything it holds, and doing nothing."""
        self.signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal_group(signal.SIGCONT)

    def stop(self, timeout: float = 20) -> int:
        """SIGTERM, then SIGKILL to the group if it does not end in time; returns the exit code."""
        self.thaw()
        if self.alive:
            self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
        self.kill()
        return self.process.returncode


class Programs:
    """What one test has started. The fixture of the same name ends it all."""

    def __init__(self, directory: Path, environment: Callable[[], dict[str, str]], janitor: Janitor) -> None:
        self._directory = directory
        self._environment = environment
        self._janitor = janitor
        self.started: list[Program] = []

    def __iter__(self) -> Iterator[Program]:
        return iter(self.started)

    def spawn(self, name: str, *command: str, env: Mapping[str, str] | None = None) -> Program:
        """Start a program in the environment of the test: its database, its broker, its settings."""
        number = sum(program.name.startswith(name) for program in self.started) + 1
        unique = f"{name}-{number}"
        environment = {**self._environment(), **(env or {})}
        program = Program(unique, command, environment, self._directory / f"{unique}.log")
        self.started.append(program)
        self._janitor.kill(program.pid)
        return program

    def manage(self, *arguments: str, env: Mapping[str, str] | None = None) -> Program:
        """Start `manage.py ARGUMENTS`."""
        return self.spawn(arguments[0], sys.executable, "manage.py", *arguments, env=env)

    def worker(
        self,
        queues: str | Sequence[str] = "default",
        *options: str,
        concurrency: int = 1,
        env: Mapping[str, str] | None = None,
        ready: bool = True,
    ) -> Program:
        """Start a Celery worker for these queues; returns when it takes jobs, at once with `ready=False`."""
        names = queues if isinstance(queues, str) else ",".join(queues)
        celery = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO"]
        celery += ["--without-mingle", "--without-gossip"]  # a second of looking for neighbours that no test has
        hostname = f"test-{len(self.started)}-{os.getpid()}@%h"
        program = self.spawn("worker", *celery, "-Q", names, "-c", str(concurrency), "-n", hostname, *options, env=env)
        if ready:
            program.wait_for_log(" ready.")
        return program

    def relay(self, *options: str, env: Mapping[str, str] | None = None) -> Program:
        """Start `manage.py jobs relay`."""
        return self.spawn("relay", sys.executable, "manage.py", "jobs", "relay", *options, env=env)

    def beat(self, *options: str, env: Mapping[str, str] | None = None, ready: bool = True) -> Program:
        """Start `celery beat` with our scheduler; returns when it looks at schedules."""
        celery = [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "INFO", "--pidfile", ""]
        program = self.spawn("beat", *celery, *options, env=env)
        if ready:
            program.wait_for_log("beat: Starting")
        return program

    def end(self) -> None:
        """Kill whatever still runs."""
        for program in self.started:
            program.kill()
            self._janitor.forget(program.pid)
