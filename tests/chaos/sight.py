"""What is in flight, read from the tables by whoever aims a fault, without the code that writes them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import psycopg

from config.embedded.server import Server

T = TypeVar("T")
Held = dict[str, int]  # record's id: its fencing token

HELD = """
SELECT id::text, fencing_token, claimed_by FROM idempotency_record
WHERE state = 'processing' AND claimed_by LIKE %s || '%%' AND lease_expires_at > clock_timestamp()
"""
STILL = """
SELECT id::text, fencing_token FROM idempotency_record
WHERE state = 'processing' AND id = ANY(%s::uuid[])
"""
DUE = "SELECT id::text FROM idempotency_record WHERE state = 'queued' AND available_at <= clock_timestamp() LIMIT 200"
DUE_TICKS = "SELECT count(*) FROM jobs_schedules_position WHERE next_due_at <= clock_timestamp()"
LAPSED = "SELECT count(*) FROM idempotency_record WHERE state = 'processing' AND lease_expires_at < clock_timestamp()"
OPEN = "SELECT count(*) FROM idempotency_record WHERE state IN ('queued', 'processing')"
STARTED = "SELECT count(*) FROM idempotency_record WHERE claimed_by LIKE %s || '%%' AND started_at > %s"
BACKENDS = """
SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'chaos'
  AND state <> 'idle'
"""
IDLE = """
SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name LIKE %s || '%%'
"""
TERMINATE = """
SELECT pid, state, pg_terminate_backend(pid) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND application_name <> 'chaos' AND state <> 'idle'
  AND (application_name LIKE %(name)s || '%%') AND (NOT %(transaction)s OR state = 'idle in transaction')
LIMIT 1
"""


class Sight:
    """One thread's view. While the database is away it sees nothing, which is no error."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._connection: psycopg.Connection[Any] | None = None

    def held_by(self, claimant: str) -> Held:
        """What the claimants whose names begin so are working on."""
        return {id_: token for id_, token, _ in self._all(HELD, (claimant,))}

    def held_by_child(self, claimant: str) -> dict[int, Held]:
        """The same, by the child's process id, with which a claimant's name ends."""
        found: dict[int, Held] = {}
        for id_, token, name in self._all(HELD, (claimant,)):
            found.setdefault(int(name.rpartition("/")[2]), {})[id_] = token
        return found

    def still(self, held: Held) -> list[str]:
        """Which of these nobody has settled nor taken since: they were in flight, and the fault has hit them."""
        now = dict(self._all(STILL, (list(held),)))
        return [id_ for id_, token in held.items() if now.get(id_) == token]

    def due(self) -> list[str]:
        """Records that wait for a hint."""
        return [id_ for (id_,) in self._all(DUE)]

    def due_ticks(self) -> int:
        """Schedules with a tick that is due and that no beat has taken."""
        return self._count(DUE_TICKS)

    def lapsed(self) -> int:
        """Records that wait for the reaper."""
        return self._count(LAPSED)

    def open(self) -> int:
        """Records that have no outcome yet; -1 while nobody can tell."""
        return self._count(OPEN, missing=-1)

    def started(self, claimant: str, since: Any) -> int:
        return self._count(STARTED, (claimant, since))

    def busy_backends(self) -> int:
        return self._count(BACKENDS)

    def in_transaction(self, application: str) -> int:
        """Connections of this application that are between two statements of a transaction."""
        return self._count(IDLE, (application,))

    def terminate(self, application: str, *, in_transaction: bool) -> str:
        """End one busy connection of this application; returns what it was doing, empty where there was none."""
        rows = self._all(TERMINATE, {"name": application, "transaction": in_transaction})
        return rows[0][1] if rows and rows[0][2] else ""

    def now(self) -> Any:
        rows = self._all("SELECT clock_timestamp()")
        return rows[0][0] if rows else None

    def all(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows for the judge. Raises psycopg.Error: he does not guess."""
        return self._do(lambda c: c.execute(statement).fetchall())

    def _count(self, statement: str, parameters: Any = None, missing: int = 0) -> int:
        rows = self._all(statement, parameters)
        return int(rows[0][0]) if rows else missing

    def _all(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        with suppress(psycopg.Error):
            return self._do(lambda c: c.execute(statement, parameters).fetchall())
        return []

    def _do(self, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._server.url, autocommit=True, application_name="chaos", connect_timeout=3
            )
        try:
            return work(self._connection)
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
