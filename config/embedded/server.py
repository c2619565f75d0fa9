"""What the two embedded servers have in common: started, stopped, killed and started again as a child of ours."""

import importlib.util
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from config.embedded.children import end, gone, kill_tree, wait_until

START_SECONDS = 60
START_ATTEMPTS = 4
TAIL_LINES = 15


class ServerError(Exception):
    """A server did not start; the message ends with the last lines of its log."""


class Server:
    """One server in one directory. Its address and data stay the same over stop, kill and start."""

    name: ClassVar[str]
    stop_steps: ClassVar[tuple[tuple[signal.Signals, float], ...]]

    def __init__(self, directory: Path) -> None:
        """Keep everything of this server below `directory`, which is made when missing."""
        self.directory = directory.absolute()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address for clients, valid after the first start."""
        raise NotImplementedError

    @property
    def log(self) -> Path:
        """The file that receives the server's messages."""
        return self.directory / f"{self.name}.log"

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> Self:
        """Start the server and return it when it answers; a running one is left alone.

        Raises:
            ServerError: it ended instead, or did not answer within a minute.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        for attempt in range(START_ATTEMPTS):
            if self.running:
                break
            # What a killed server leaves, its children or its port, takes a moment to go.
            time.sleep(attempt)
            self.prepare()
            self.process = self.launch()
            wait_until(lambda: self.ready() or not self.running, seconds=START_SECONDS)
        if not self.running or not self.ready():
            self.kill()
            raise ServerError(f"{self.name} did not start. Its log {self.log} ends with:\n{tail(self.log)}")
        return self

    def stop(self) -> None:
        """Shut down in order; data is kept for the next start."""
        if self.process is not None:
            end(self.process, *self.stop_steps)

    def kill(self) -> None:
        """End it as a crash would, with its children, which could keep a successor from starting."""
        if self.process is not None and self.running:
            family = kill_tree(self.process.pid)
            self.process.wait()
            wait_until(lambda: all(map(gone, family)), seconds=START_SECONDS)

    def close(self) -> None:
        """Stop, and remove what lies outside the directory."""
        self.stop()

    def prepare(self) -> None:
        """Make what the server needs; called before every start."""

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the process."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Tell whether the server answers."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it and clean up."""
        self.close()


def tail(log: Path) -> str:
    """Return the last lines of a log, which is where the reason stands."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
    except OSError:
        return "(no log)"


def wheel(package: str) -> Path:
    """Return where a wheel was unpacked, without running its Python code."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ServerError(f"The wheel {package} is not installed. Run bin/demo or bin/test, which install it.")
    return Path(found.submodule_search_locations[0])
