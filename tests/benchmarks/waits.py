"""How long jobs waited: the body leaves the moments of its call and of its own start, side by side, in a file."""

import os
import struct
import time
from functools import cache
from pathlib import Path

from tests.benchmarks.environment import COUNTER

ROW = struct.Struct("=dd")  # monotonic seconds, which all processes of a machine share: called, started


def path() -> Path:
    return Path(f"{os.environ[COUNTER]}-waits")


def started(called: float) -> None:
    os.write(_file(), ROW.pack(called, time.monotonic()))


@cache
def _file() -> int:
    """Opened to append: processes that share it never overwrite each other."""
    return os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def read() -> list[tuple[float, float]]:
    """Called and started, of every job so far."""
    return list(ROW.iter_unpack(path().read_bytes())) if path().exists() else []
