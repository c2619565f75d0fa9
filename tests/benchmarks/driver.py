"""A contender's caller: a process that enqueues when it is told to, and says how long that took.

Orders come as JSON lines and answers go back the same way. It imports nothing of the project but the job's body: it
also runs in the peers' environments.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol


class Caller(Protocol):
    """What each contender's module offers."""

    def single(self, task: str, argument: float) -> None:
        """One job, as an application's request would."""

    def bulk(self, task: str, count: int) -> None:
        """Many jobs, in the fastest way that is offered."""

    def left(self) -> int:
        """Jobs that have not reached their end."""


def serve(caller: Caller) -> None:
    """Until the other side closes."""
    verbs: Mapping[str, Callable[..., dict[str, Any]]] = {
        "bulk": lambda task, count: _timed(lambda: caller.bulk(task, count)),
        "singles": lambda task, count: _timed(lambda: [caller.single(task, number) for number in range(count)]),
        "stamped": lambda task: caller.single(task, time.monotonic()) or {},
        "left": lambda: {"left": caller.left()},
    }
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(verbs[order.pop("verb")](**order)), flush=True)


def _timed(work: Callable[[], object]) -> dict[str, float]:
    """Wall and processor time, seconds."""
    began, spent = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - spent}
