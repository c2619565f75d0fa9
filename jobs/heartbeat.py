"""Telling that a process is alive, and whether it is ready: to a file and to systemd, never over a network.

No Django here: `python -m jobs.health` reads the file within a few hundredths of a second, every few seconds.
"""

import json
import os
import socket
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

EVERY = 1.0  # seconds between two beats
FILE = "JOBS_HEALTH_FILE"
SYSTEMDS_DIRECTORY, SYSTEMDS_SOCKET = "RUNTIME_DIRECTORY", "NOTIFY_SOCKET"


@dataclass(frozen=True, slots=True)
class Beat:
    """`at` is the machine's monotonic time, which no change of a clock moves; `why` says why it is not ready."""

    pid: int
    at: float
    ready: bool
    why: str


def path() -> Path | None:
    """The file that the environment names; None where nobody looks at one."""
    if named := os.environ.get(FILE):
        return Path(named)
    directory = os.environ.get(SYSTEMDS_DIRECTORY, "").split(":")[0]
    return Path(directory, "health") if directory else None


class Heart:
    """Of one process. Beats are cheap and fail in silence: whoever misses them looks."""

    def __init__(self) -> None:
        self._path = path()
        self._socket = os.environ.get(SYSTEMDS_SOCKET, "")
        self._was_ready: bool | None = None

    def beat(self, *, ready: bool, why: str = "") -> None:
        """Say that this process is alive. The first beat that is ready lets systemd start what waits for it."""
        if self._path:
            with suppress(OSError):
                self._write(self._path, Beat(os.getpid(), time.monotonic(), ready, why))
        self._notify("WATCHDOG=1")
        if ready != self._was_ready:
            self._notify("READY=1\nSTATUS=ready" if ready else f"STATUS=not ready: {why}")
            self._was_ready = ready

    def stop(self) -> None:
        """Say that it ends because it was told to."""
        self._notify("STOPPING=1")
        if self._path:
            with suppress(OSError):
                self._path.unlink()

    def _write(self, path: Path, beat: Beat) -> None:
        """In one piece: who reads it meanwhile sees the beat before."""
        new = path.with_name(f"{path.name}.{beat.pid}")
        new.write_text(json.dumps(asdict(beat)))
        new.replace(path)

    def _notify(self, message: str) -> None:
        if not self._socket:
            return
        address = f"\0{self._socket[1:]}" if self._socket.startswith("@") else self._socket
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)
            told.sendto(message.encode(), address)
