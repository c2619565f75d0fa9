"""Cleans up when pytest itself was killed: ends its programs' own children, whom no death signal reaches, and removes
its temporary directories.

Run as a program it reads one order per line and acts when its input ends, which the system sees to however the other
side dies. It is started with `-I -S`: standard library only.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

PATIENCE = 10.0  # seconds for dying servers to let go of their directories


class Janitor:
    """The orders' side. One per pytest process is enough."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__], stdin=subprocess.PIPE, text=True, bufsize=1, start_new_session=True
        )

    def kill(self, group: int) -> None:
        """Kill this process group at the end, unless `forget` comes first."""
        self._order(f"kill {group}")

    def forget(self, group: int) -> None:
        """The group has ended: its number may soon be somebody else's."""
        self._order(f"forget {group}")

    def remove(self, directory: Path) -> None:
        """Remove this directory at the end, if it is still there."""
        self._order(f"remove {directory}")

    def _order(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def finish(self) -> None:
        """Act now."""
        self._process.communicate()


def gone(group: int) -> bool:
    """Whether nobody but zombies is left of a process group."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _parent, of = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state != "Z":
            return False
    return True


def clean(groups: set[str], directories: list[str]) -> None:
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(int(group), signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(map(os.path.lexists, directories)):
        for directory in directories:
            shutil.rmtree(directory, ignore_errors=True)
        time.sleep(0.05)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[str] = set()
    directories: list[str] = []
    for line in sys.stdin:
        verb, _, what = line.rstrip("\n").partition(" ")
        match verb:
            case "kill":
                groups.add(what)
            case "forget":
                groups.discard(what)
            case "remove":
                directories.append(what)
    clean(groups, directories)


if __name__ == "__main__":
    main()
