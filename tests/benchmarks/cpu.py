"""Processor time of whole process trees, from /proc."""

import os

from config.embedded.children import descendants, status_fields

TICK_US = 1_000_000 / os.sysconf("SC_CLK_TCK")
OWN_AND_REAPED = slice(11, 15)  # utime, stime, and the same of children that have ended and were waited for


def used(roots: dict[str, int]) -> dict[str, float]:
    """Microseconds that each named process has used since its start, with all its descendants, dead ones too."""
    return {name: sum(map(_of_process, (pid, *descendants(pid)))) for name, pid in roots.items()}


def _of_process(pid: int) -> float:
    return sum(map(int, status_fields(pid)[OWN_AND_REAPED])) * TICK_US
