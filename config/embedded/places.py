"""Temporary directories that leave nothing behind, even when their owner is killed.

Each holds a file its owner keeps locked. The kernel releases the lock however the owner ends, so that the next owner
can tell a dead one's directory from a living one's, which a process id cannot do across containers.
"""

import atexit
import fcntl
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TextIO

PREFIX = "idempotent-jobs-"
OWNER = "owner"
# Between the making of a directory and the locking of its file: far longer than that can take.
UNOWNED_GRACE_SECONDS = 60
# A socket's path may have 107 bytes; the longest name put behind a directory is `/s/.s.PGSQL.5432.lock`.
LONGEST_PATH = 80

held: dict[Path, TextIO] = {}


def make_place() -> Path:
    """Make a directory for this process alone, short enough for sockets, removed when the process exits."""
    root = tempfile.gettempdir()
    if len(os.fsencode(root)) + len(PREFIX) > LONGEST_PATH:
        root = "/tmp"  # noqa: S108 - mkdtemp makes the name unguessable and the directory 0700
    sweep(Path(root))
    place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
    handle = (place / OWNER).open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    held[place] = handle
    return place


def remove_place(place: Path) -> None:
    """Remove a directory made by `make_place`, and release it."""
    shutil.rmtree(place, ignore_errors=True)
    handle = held.pop(place, None)
    if handle is not None:
        handle.close()


def sweep(root: Path) -> None:
    """Remove what owners that are no longer alive have left in `root`."""
    for place in root.glob(f"{PREFIX}*"):
        if place not in held and abandoned(place):
            shutil.rmtree(place, ignore_errors=True)


def abandoned(place: Path) -> bool:
    """Tell whether a directory of ours has lost its owner; one that is vanishing has somebody who sees to it."""
    with suppress(OSError):
        found = place.lstat()
        ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
        unowned = not (place / OWNER).exists()
        return ours and (time.time() - found.st_mtime > UNOWNED_GRACE_SECONDS if unowned else unlocked(place / OWNER))
    return False


def unlocked(file: Path) -> bool:
    """Tell whether nobody holds the lock of a file."""
    with file.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@atexit.register
def remove_all() -> None:
    """Remove this process's directories; a forked copy has inherited the list but not the ownership."""
    if os.getpid() == OWNER_PID:
        for place in list(held):
            remove_place(place)


OWNER_PID = os.getpid()
