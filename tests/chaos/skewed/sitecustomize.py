"""Loaded by the interpreter of a worker whose clock is wrong, before anything else.

Python sleeps until a moment of the monotonic clock; libfaketime moves that moment although it was told to leave that
clock alone, and the kernel refuses it. Waiting for nothing, with a time-out, sleeps as well.
"""

import select
import time


def wait_for_nothing(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = wait_for_nothing
