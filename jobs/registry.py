"""The worker registry: who is there, which queues and tasks it serves, how busy it is, and who is about to leave."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from typing import Any

from idempotency.statements import Connection
from jobs import conf

EVERY = 5.0  # seconds between two reports
ALIVE = timedelta(seconds=15)  # three missed reports

REPORT = """
INSERT INTO jobs_worker (name, pid, queues, tasks, slots, busy, build, memory, clock_offset, started_at, seen_at)
VALUES (%(name)s, %(pid)s, %(queues)s::jsonb, %(tasks)s::jsonb, %(slots)s, %(busy)s, %(build)s::jsonb, %(memory)s,
        %(clock_offset)s, statement_timestamp(), statement_timestamp())
ON CONFLICT (name) DO UPDATE SET pid = excluded.pid, queues = excluded.queues, tasks = excluded.tasks,
    slots = excluded.slots, busy = excluded.busy, build = excluded.build, seen_at = excluded.seen_at,
    memory = excluded.memory, clock_offset = excluded.clock_offset, draining_at = NULL,
    started_at = CASE WHEN jobs_worker.pid = excluded.pid THEN jobs_worker.started_at ELSE excluded.started_at END
RETURNING extract(epoch FROM seen_at)::float8
"""
# By its pid too: a new worker may have taken the name over.
DRAINS = """
UPDATE jobs_worker SET draining_at = statement_timestamp() WHERE name = %(name)s AND pid = %(pid)s
"""
LIVE = """
SELECT name, queues, tasks, slots, busy, seen_at, build, memory, clock_offset FROM jobs_worker
WHERE seen_at > statement_timestamp() - %(alive)s AND draining_at IS NULL ORDER BY name
"""
DRAINING = """
SELECT name, queues FROM jobs_worker WHERE draining_at > statement_timestamp() - %(alive)s ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class LiveWorker:
    name: str
    queues: Sequence[str]
    tasks: dict[str, int]
    slots: int
    busy: int
    seen_at: datetime
    build: Mapping[str, str]  # as `build()` tells it; empty of a worker of an older release
    memory: int | None  # bytes: of its largest process
    clock_offset: float | None  # seconds by which its machine's clock is ahead of the database's


@dataclass(frozen=True, slots=True)
class LeavingWorker:
    """One that was told to stop and finishes what it runs."""

    name: str
    queues: Sequence[str]


@cache
def build() -> Mapping[str, str]:
    """What this process is made of."""
    return {"version": conf.release(), "django": version("django"), "celery": version("celery"),
            "python": platform.python_version()}  # fmt: skip


def report(
    connection: Connection, *, memory: int | None = None, clock_offset: float | None = None, **worker: Any
) -> float:
    """Write what a worker says of itself: name, pid, queues, tasks, slots, busy, and what it knows of its machine.

    Returns the database's time, in seconds since the epoch.
    """
    about = {name: json.dumps(worker[name]) for name in ("queues", "tasks")} | {"build": json.dumps(build())}
    with connection.cursor() as cursor:
        cursor.execute(REPORT, worker | about | {"memory": memory, "clock_offset": clock_offset})
        ((now,),) = cursor.fetchall()
        return float(now)


def drains(connection: Connection, name: str, pid: int) -> None:
    """Write that a worker takes nothing more and finishes what it runs: from now on it serves no queue."""
    with connection.cursor() as cursor:
        cursor.execute(DRAINS, {"name": name, "pid": pid})


def leave(connection: Connection, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jobs_worker WHERE name = %(name)s", {"name": name})


def forget_dead(connection: Connection, after: timedelta = timedelta(days=1)) -> None:
    """Rows of workers long gone: node names of containers never come back."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM jobs_worker WHERE seen_at < statement_timestamp() - %(after)s", {"after": after})


def live(connection: Connection) -> list[LiveWorker]:
    with connection.cursor() as cursor:
        cursor.execute(LIVE, {"alive": ALIVE})
        return [
            LiveWorker(name, json.loads(queues), json.loads(tasks), slots, busy, at, json.loads(build), memory, offset)
            for name, queues, tasks, slots, busy, at, build, memory, offset in cursor.fetchall()
        ]


def draining(connection: Connection) -> list[LeavingWorker]:
    with connection.cursor() as cursor:
        cursor.execute(DRAINING, {"alive": ALIVE})
        return [LeavingWorker(name, json.loads(queues)) for name, queues in cursor.fetchall()]
