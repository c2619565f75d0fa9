"""When programs last did what they are for: written by them, read by whoever watches."""

from idempotency.statements import Connection

RELAY, VERIFY, BROKER = "relay", "verify", "broker"
EVERY = 5.0  # seconds between two reports of a loop

BEAT = """
INSERT INTO jobs_pulse AS p (kind, name, seen_at, found) VALUES (%(kind)s, %(name)s, statement_timestamp(), %(found)s)
ON CONFLICT (kind, name) DO UPDATE SET seen_at = excluded.seen_at, found = excluded.found
"""
FORGET = "DELETE FROM jobs_pulse WHERE name <> '' AND seen_at < statement_timestamp() - interval '1 day'"


def beat(connection: Connection, kind: str, name: str = "", found: float | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(BEAT, {"kind": kind, "name": name, "found": found})


def forget(connection: Connection) -> None:
    """Rows of programs that are gone: names of containers never come back."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET)
