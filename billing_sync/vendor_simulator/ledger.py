"""The vendor's ledger: one row per effect, never changed. It knows nothing of jobs, so it can witness against them."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS effect (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    external_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    key TEXT UNIQUE, -- NULL where the client sent none: nothing then tells a repetition from a wish for another
    body_digest TEXT NOT NULL,
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);
CREATE INDEX IF NOT EXISTS effect_by_document ON effect (kind, external_id, revision);
"""
SECONDS_FOR_A_LOCK = 10


class LedgerError(Exception):
    """The file is no ledger; the message says what to do."""


class Document(NamedTuple):
    """What an effect is about. Two effects for one document are one too many."""

    kind: str
    external_id: str
    revision: int


def effects(path: Path) -> Counter[Document]:
    """How many effects each document has had, read from the ledger while the simulator may be running."""
    with closing(connect(path, read_only=True)) as ledger:
        rows = ledger.execute("SELECT kind, external_id, revision, count(*) FROM effect GROUP BY 1, 2, 3")
        return Counter({Document(*document): count for *document, count in rows})


def summary(ledger: sqlite3.Connection) -> dict[str, Any]:
    """Effects, distinct documents, duplicates: in all, and by kind."""
    rows = ledger.execute(
        "SELECT kind, count(*), count(DISTINCT external_id || '/' || revision) FROM effect GROUP BY kind ORDER BY kind"
    )
    by_kind = {kind: _counts(count, documents) for kind, count, documents in rows}
    in_all = _counts(*(sum(kind[name] for kind in by_kind.values()) for name in ("effects", "documents")))
    return in_all | {"by_kind": by_kind}


def _counts(count: int, documents: int) -> dict[str, int]:
    return {"effects": count, "documents": documents, "duplicates": count - documents}


def find(
    ledger: sqlite3.Connection, kind: str, external_id: str, revision: int | None = None
) -> Iterator[dict[str, Any]]:
    """What the vendor holds under the client's own id, oldest first."""
    rows = ledger.execute(
        "SELECT * FROM effect WHERE kind = ? AND external_id = ? AND revision = coalesce(?, revision) ORDER BY id",
        (kind, external_id, revision),
    )
    return (as_answer(row) for row in rows)


def as_answer(row: sqlite3.Row) -> dict[str, Any]:
    """An effect as the vendor tells it; a repeated request gets the very same."""
    told = {name: row[name] for name in ("kind", "external_id", "revision", "created_at")}
    return {"id": f"led_{row['id']:08d}"} | told


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to the ledger, which is made unless it is only to be read. Raises LedgerError."""
    try:
        ledger = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
            uri=True,
            timeout=SECONDS_FOR_A_LOCK,
            isolation_level=None,
            check_same_thread=False,
        )
        ledger.row_factory = sqlite3.Row
        if not read_only:
            # An effect that was answered for is on the disk: each commit waits for the write-ahead log to be there.
            ledger.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        ledger.execute("SELECT id, kind, external_id, revision, key FROM effect LIMIT 0")
    except sqlite3.Error as error:
        raise LedgerError(
            f"{path} cannot be used as a ledger ({error}). Name a ledger, or a file to be made."
        ) from error
    return ledger


@contextmanager
def transaction(ledger: sqlite3.Connection) -> Iterator[None]:
    ledger.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        ledger.execute("ROLLBACK")
        raise
    ledger.execute("COMMIT")
