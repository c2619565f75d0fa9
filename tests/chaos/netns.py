"""A network of a worker's own, with one link to ours. The kernel removes both with the process that holds it."""

import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import Programs, wait_until

# Addresses of documentation (RFC 5737), inside a network that only this run sees.
OURS, THEIRS, MASK = "192.0.2.1", "192.0.2.2", 30
HERE, THERE = "chaos-here", "chaos-there"


class Namespace:
    def __init__(self, programs: Programs) -> None:
        self.host = OURS
        self.holder = programs.spawn("namespace", "unshare", "--net", "sleep", "infinity")

    @property
    def path(self) -> Path:
        return Path(f"/proc/{self.holder.pid}/ns/net")

    @property
    def enter(self) -> tuple[str, ...]:
        """What comes before a command that is to run inside."""
        return ("nsenter", f"--net={self.path}")

    def __enter__(self) -> Self:
        wait_until(lambda: self.path.readlink() != Path("/proc/self/ns/net").readlink())
        link = ["link", "add", HERE, "type", "veth", "peer", "name", THERE, "netns", str(self.holder.pid)]
        run("ip", *link)
        run("ip", "address", "add", f"{OURS}/{MASK}", "dev", HERE)
        run(*self.enter, "ip", "address", "add", f"{THEIRS}/{MASK}", "dev", THERE)
        run(*self.enter, "ip", "link", "set", "lo", "up")
        run(*self.enter, "ip", "link", "set", THERE, "up")
        self.join()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.holder.kill()

    def cut(self) -> None:
        """Pull the plug: packets go nowhere and nobody is told."""
        run("ip", "link", "set", HERE, "down")

    def join(self) -> None:
        run("ip", "link", "set", HERE, "up")


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
