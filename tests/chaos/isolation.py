"""A network and a list of mounts of our own, so that links can be cut and disks filled without touching the machine's.

The kernel removes both with the last process in them: nothing can be left behind.
"""

import os
import subprocess
import sys
from pathlib import Path

INSIDE = "CHAOS_INSIDE"
DISK = Path("/mnt")  # as this run alone sees it
ENTER = ("unshare", "--mount", "--propagation", "private", "--net")


def enter() -> None:
    """Run this very command again inside, where that is possible. Returns at once inside, and where it is not."""
    if INSIDE in os.environ or not possible():
        return
    os.environ[INSIDE] = "1"
    command = [*ENTER, sys.executable, "-m", "tests.chaos", *sys.argv[1:]]
    os.execvp(command[0], command)


def possible() -> bool:
    if os.geteuid() != 0:
        return False
    try:
        attempt = "ip link set lo up && mount -t tmpfs tmpfs /mnt"
        return subprocess.run([*ENTER, "sh", "-c", attempt], capture_output=True).returncode == 0
    except OSError:
        return False


def inside() -> bool:
    return INSIDE in os.environ


def prepare() -> None:
    """Bring up the loopback interface; shared memory of killed programs must go with this run too."""
    if inside():
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        mount(Path("/dev/shm"), "64m")
        mount(DISK, "512m")


def mount(directory: Path, size: str) -> None:
    """Put a small disk in memory over a directory that every machine has: a new one would be left behind."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", directory], check=True)
