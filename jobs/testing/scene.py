"""The world of a sweep beside its processes: database and broker, looked at and moved on by nobody under test."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import connection as django_connection

from idempotency import audit
from idempotency.connection import connect
from jobs import conf, hints
from jobs.relay import Relay
from jobs.testing.errors import CrashSweepError

PATIENCE = 10.0  # seconds until PostgreSQL has noticed that a client is dead
POLL = 0.001  # seconds
TIMEOUT = 5  # seconds that a broker may take to answer
RECORDS = """
SELECT id, task, queue, state, reason, attempt, max_attempts, fencing_token, error, result::text, payload::text,
    ARRAY(SELECT a.fencing_token FROM idempotency_attempt AS a WHERE a.record_id = r.id ORDER BY a.id),
    ARRAY(SELECT concat_ws(': ', a.error_class, a.error_message) FROM idempotency_attempt AS a
          WHERE a.record_id = r.id ORDER BY a.id)
FROM idempotency_record AS r WHERE created_at >= %s ORDER BY id
"""
# Rows that a stopped process has locked are passed over: the sweep may not wait for what it stopped itself.
LEASES_RUN_OUT = """
UPDATE idempotency_record SET lease_expires_at = statement_timestamp() - interval '1 millisecond' WHERE id IN (
    SELECT id FROM idempotency_record WHERE state = 'processing' AND created_at >= %s FOR UPDATE SKIP LOCKED)
"""
ALL_IS_DUE = """
UPDATE idempotency_record SET available_at = statement_timestamp() WHERE id IN (
    SELECT id FROM idempotency_record WHERE state = 'queued' AND available_at > statement_timestamp()
    AND created_at >= %s FOR UPDATE SKIP LOCKED)
"""
PAUSES_END = """
UPDATE idempotency_queue SET paused_until = statement_timestamp()
WHERE name = ANY(%s) AND paused_until > statement_timestamp()
"""
WITHDRAW = """
UPDATE idempotency_record SET state = 'failed_permanent', reason = 'cancelled', finished_at = statement_timestamp(),
    line = NULL, held = false, lease_expires_at = NULL, parked_reason = NULL,
    error = 'left behind by a run of a crash sweep'
WHERE state IN ('queued', 'processing') AND created_at >= %s
"""
CLIENTS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
"""
WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A record as the database holds it; `tokens` and `errors` are those of its attempt rows."""

    id: UUID
    task: str
    queue: str
    state: str
    reason: str | None
    attempt: int
    max_attempts: int
    fencing_token: int
    error: str | None
    result: str | None
    payload: str | None
    tokens: Sequence[int]
    errors: Sequence[str]

    @property
    def unfinished(self) -> bool:
        return self.state in ("queued", "processing")


class Scene:
    """Of one sweep. `queues` are those that its workers serve."""

    def __init__(self, queues: tuple[str, ...], broker: Any, database: Any, relay: Relay) -> None:
        self.queues, self._broker, self._database, self.relay = queues, broker, database, relay

    def ask(self, statement: str, *params: Any) -> list[tuple[Any, ...]]:
        cursor = self._database.execute(statement, params)
        return cursor.fetchall() if cursor.description else []

    # -- the broker ---------------------------------------------------------------------------------------------------

    def empty_queues(self) -> None:
        """Hints of another run would be followed in this one, and a caller sends none to a queue that is full."""
        for name in conf.queues():
            queue = current_app.amqp.queues[name](self._broker.default_channel)
            queue.queue_declare()
            queue.purge()

    def hinted(self) -> bool:
        return any(hints.depth(name) for name in self.queues)

    # -- the database -------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        ((now,),) = self.ask("SELECT clock_timestamp()")
        return now  # type: ignore[no-any-return]

    def records(self, since: datetime) -> list[Row]:
        return [Row(*row) for row in self.ask(RECORDS, since)]

    def committed(self, transaction: str) -> bool:
        """What became of a transaction, whoever was or was not told."""
        while (status := self.ask("SELECT pg_xact_status(%s::xid8)", transaction)[0][0]) == "in progress":
            time.sleep(POLL)
        return bool(status == "committed")

    def breaches(self) -> list[str]:
        return audit.breaches(self._database, audit.audit(self._database))

    def let_time_pass(self, since: datetime) -> None:
        """Until leases have run out, waits are over and pauses have ended. Nobody sleeps."""
        self.ask(LEASES_RUN_OUT, since)
        self.ask(ALL_IS_DUE, since)
        self.ask(PAUSES_END, list(self.queues))

    def withdraw(self, since: datetime) -> None:
        """What a run has left, in other queues or because it failed, must not be seen in the next one."""
        self.ask(WITHDRAW, since)

    def somebody_waits_for_a_lock(self) -> bool:
        return bool(self.ask(WAITING)[0][0])

    def clients(self) -> set[int]:
        return {pid for (pid,) in self.ask(CLIENTS)}

    def wait_until_gone(self, known: set[int]) -> None:
        """Until PostgreSQL has ended the sessions of a killed process, and rolled back what they had open."""
        deadline = time.monotonic() + PATIENCE
        while self.clients() - known:
            if time.monotonic() > deadline:
                raise CrashSweepError(
                    "Sessions of a killed process are still open. Does something else use this database?"
                )
            time.sleep(POLL)


@contextmanager
def scene(queues: tuple[str, ...]) -> Iterator[Scene]:
    _refuse_open_transaction()
    with _connected() as broker, connect("jobs crash sweep") as database, closing(Relay()) as relay:
        yield Scene(queues, broker, database, relay)


def _refuse_open_transaction() -> None:
    if django_connection.in_atomic_block:
        raise CrashSweepError(
            "crash_sweep is called inside a transaction, which its processes cannot see. "
            "Use pytest-django's transactional_db, or a TransactionTestCase."
        )


def _connected() -> Any:
    broker = current_app.connection_for_write()
    if broker.transport_cls in ("memory", "kombu.transport.memory:Transport"):
        raise CrashSweepError("The broker is memory://, which no other process can reach. Name a real one in tests.")
    try:
        return broker.ensure_connection(max_retries=1, timeout=TIMEOUT)
    except Exception as error:
        raise CrashSweepError(f"No broker answers: {error} Start one, or set CELERY_BROKER_URL.") from error
