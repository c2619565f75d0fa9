"""Bodies without jobs around them: what no system of jobs can exceed."""

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from tests.benchmarks.contenders import CHILDREN
from tests.benchmarks.environment import QUERIES_PREPARED

WARM_UP = 200  # bodies of each process, before the clock starts: connections, plans, caches


def rate(work: Callable[[], None], jobs: int) -> float:
    """How many a second as many processes do as a worker has, all at once."""
    fork = multiprocessing.get_context("fork")  # nothing is open here that they would share
    ready, each = fork.Barrier(CHILDREN + 1), jobs // CHILDREN
    processes = [fork.Process(target=_loop, args=(work, each, ready)) for _ in range(CHILDREN)]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    assert not any(process.exitcode for process in processes), "a bare loop has failed"
    return CHILDREN * each / (time.perf_counter() - began)


def _loop(work: Callable[[], None], bodies: int, ready: Any) -> None:
    connection.settings_dict["OPTIONS"] |= QUERIES_PREPARED
    for _ in range(WARM_UP):
        work()
    ready.wait()
    for _ in range(bodies):
        work()
