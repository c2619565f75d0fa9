"""How long jobs waited: the body leaves the moments of its call and of its own start, side by side, in a file."""

import os
import struct
import time
from functools import cache
from pathlib import Path

from tests.benchmarks.environment import COUNTER

ROW = struct.Struct("=dd")  # monotonic seconds, which all processes of a machine share: called, started
FILE = "BENCHMARK_WAITS"  # path, where it is another than beside the counter


def path() -> Path:
    return Path(os.environ.get(FILE) or f"{os.environ[COUNTER]}-waits")


def started(called: float) -> None:
    os.write(_file(), ROW.pack(called, time.monotonic()))


@cache
def _file() -> int:
    """Opened to append: processes that share it never overwrite each other."""
    return os.open(path(), os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def read(kept: Path | None = None) -> list[tuple[float, float]]:
    """Called and started, of every job so far."""
    kept = kept or path()
    return list(ROW.iter_unpack(kept.read_bytes())) if kept.exists() else []
