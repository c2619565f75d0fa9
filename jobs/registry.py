"""The worker registry: who is there, which queues and tasks it serves, how busy it is."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from idempotency.statements import Connection

EVERY = 5.0  # seconds between two reports
ALIVE = timedelta(seconds=15)  # three missed reports

REPORT = """
INSERT INTO jobs_worker (name, pid, queues, tasks, slots, busy, started_at, seen_at)
VALUES (%(name)s, %(pid)s, %(queues)s::jsonb, %(tasks)s::jsonb, %(slots)s, %(busy)s, statement_timestamp(),
        statement_timestamp())
ON CONFLICT (name) DO UPDATE SET pid = excluded.pid, queues = excluded.queues, tasks = excluded.tasks,
    slots = excluded.slots, busy = excluded.busy, seen_at = excluded.seen_at,
    started_at = CASE WHEN jobs_worker.pid = excluded.pid THEN jobs_worker.started_at ELSE excluded.started_at END
"""
LIVE = """
SELECT name, queues, tasks, slots, busy, seen_at FROM jobs_worker
WHERE seen_at > statement_timestamp() - %(alive)s ORDER BY name
"""


@dataclass(frozen=True, slots=True)
class LiveWorker:
    name: str
    queues: Sequence[str]
    tasks: dict[str, int]
    slots: int
    busy: int
    seen_at: datetime


def report(connection: Connection, **worker: Any) -> None:
    """Write what a worker says of itself: name, pid, queues, tasks, slots, busy."""
    worker |= {"queues": json.dumps(worker["queues"]), "tasks": json.dumps(worker["tasks"])}
    with connection.cursor() as cursor:
        cursor.execute(REPORT, worker)


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
        return [LiveWorker(n, json.loads(q), json.loads(t), s, b, at) for n, q, t, s, b, at in cursor.fetchall()]
