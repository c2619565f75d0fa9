"""Records for tests that drive the transitions themselves, without tasks, workers or a broker."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

from idempotency import transitions
from idempotency.audit import audit, breaches
from idempotency.claims import Found, Problem, Request, Terms
from idempotency.connection import connect
from idempotency.ids import new_hex
from idempotency.keys import digest, digits

LEASE = timedelta(seconds=60)
OOPS = Problem("ValueError", "oops")
TERMS = Terms(
    task="tests.task",
    queue="default",
    payload_version=1,
    max_attempts=3,
    solo=False,
    run_after=None,
    delay=timedelta(0),
    options=None,
    dedupe_window=None,
)


@contextmanager
def undone(connection):
    """A transaction that is rolled back past psycopg, which would drop all that is prepared on the connection."""
    connection.pgconn.exec_(b"BEGIN")
    try:
        yield
    finally:
        connection.pgconn.exec_(b"ROLLBACK")


@contextmanager
def own_connection(name: str = "jobs test"):
    """A connection as a worker has one: not Django's, each statement its own transaction."""
    connection = connect(name)
    try:
        yield connection
    finally:
        connection.close()


def key_of(name: str | None) -> UUID | None:
    return digest(name.encode()) if name else None


def request(key: str | None = None, payload: str = "{}", account: str = "") -> Request:
    return Request(new_hex(), digits(key.encode()) if key else None, digits(payload.encode()), payload, account)


def ask(connection, *keys: str | None, account: str = "", **terms) -> list[Found]:
    """Ask for one record per key (None: none), all in one statement."""
    asked = [request(key, account=account) for key in keys]
    return transitions.enqueue(connection, replace(TERMS, **terms), asked)


def enqueue(connection, *keys: str | None, **terms) -> list[UUID]:
    """The same; returns the ids alone."""
    return [found.id for found in ask(connection, *keys, **terms)]


def enqueue_plenty(connection, count: int, **terms) -> list[UUID]:
    return enqueue(connection, *[None] * count, **terms)


def claim(connection, limit: int = 10, queue: str = "default", claimed_by: str | None = None, turns=None):
    claimed_by = claimed_by or f"worker/{uuid4()}"
    if hasattr(connection, "ensure_connection"):  # Django's: a claim speaks to the driver's own
        connection.ensure_connection()
        connection = connection.connection
    transitions.stage(connection, [queue])
    told = {"cursors": turns.cursors, "served": turns.served} if turns else {}
    return transitions.claim(connection, queue, limit=limit, lease=LEASE, claimed_by=claimed_by, **told)


def claim_lone(connection, queue: str = "default", claimed_by: str | None = None):
    """The short claim of a worker that expects a single record."""
    claimed_by = claimed_by or f"worker/{uuid4()}"
    transitions.stage(connection, [queue])
    return transitions.claim_lone(connection, queue, lease=LEASE, claimed_by=claimed_by, lease_id=uuid4())


def let_leases_run_out(connection) -> None:
    connection.cursor().execute(
        "UPDATE idempotency_record SET lease_expires_at = '2020-01-01' WHERE state = 'processing'"
    )


def let_all_be_due(connection) -> None:
    connection.cursor().execute(
        "UPDATE idempotency_record SET available_at = statement_timestamp() WHERE state = 'queued'"
    )


def by_hand(connection, statement: str, *params: object) -> None:
    """Write what the table's own guard would refuse, as a superuser who switches it off can."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(statement, params)
        cursor.execute("RESET session_replication_role")  # where the statement fails its transaction takes the SET back


def empty_heap(connection) -> None:
    """For who asks where rows lie: tests before this one have left room between them, which new rows would fill."""
    connection.cursor().execute("TRUNCATE idempotency_record")


def rows(connection, *columns: str) -> dict:
    """The columns of every record by id; of one column its bare value."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, {', '.join(columns)} FROM idempotency_record")
        return {id_: rest[0] if len(columns) == 1 else tuple(rest) for id_, *rest in cursor.fetchall()}


def assert_balanced(connection) -> None:
    assert breaches(connection, audit(connection)) == []
