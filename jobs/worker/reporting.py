"""What a worker's parent tells the registry: whom it serves, how busy it is, and what it knows of its machine."""

import os
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from jobs import registry
from jobs.own_connection import OwnConnection
from jobs.task import registered
from jobs.worker import shared

PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


class Reporter:
    """Of one worker."""

    def __init__(self, own: OwnConnection, consumer: Any) -> None:
        self._own, self._consumer = own, consumer
        self._clock_offset: float | None = None  # seconds by which this machine's clock is ahead, as found last

    def serves(self, queues: list[str]) -> None:
        """Say so. The answer has the database's time, of any moment in between."""
        about = self._about(queues)
        before = time.time()
        now = self._own.once(partial(registry.report, **about))
        self._clock_offset = (before + time.time()) / 2 - now

    def drains(self) -> None:
        """Say that it takes nothing more. Asks Celery for nothing: what it consumed from is gone by now."""
        self._own.once(lambda c: registry.drains(c, self._consumer.hostname, os.getpid()))

    def _about(self, queues: list[str]) -> dict[str, Any]:
        controller = self._consumer.controller
        return {
            "name": self._consumer.hostname,
            "pid": os.getpid(),
            "queues": sorted(queues),
            "tasks": {name: task.payload_version for name, task in registered().items()},
            "slots": controller.concurrency,
            "busy": shared.busy(),
            "memory": largest([os.getpid(), *controller.pool.info.get("processes", ())]),
            "clock_offset": self._clock_offset,
        }


def largest(pids: Iterable[int]) -> int | None:
    """Bytes of resident memory of the largest of these processes; None where nobody can tell."""
    return max(filter(None, map(_resident, pids)), default=None)


def _resident(pid: int) -> int:
    """0 of one that is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0
