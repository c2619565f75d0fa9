"""What a body may leave behind in the application's databases: open transactions, torn connections."""

from threading import get_ident
from typing import Any
from weakref import ref

from django.db import connections
from django.db.backends.signals import connection_created
from psycopg.pq import TransactionStatus

BEGUN = (TransactionStatus.ACTIVE, TransactionStatus.INTRANS, TransactionStatus.INERROR)

# Of every connection that was ever opened: to ask Django for those of this thread costs more than all the rest of a job
# that uses none. One that was never opened has nothing open.
_opened: list[ref[Any]] = []
_looked = False  # whether those that were opened before this file was read are among them


def _remember(connection: Any, **_: Any) -> None:
    _opened[:] = [known for known in _opened if known() not in (None, connection)] + [ref(connection)]


connection_created.connect(_remember)


def open_transactions() -> set[str]:
    """Aliases of the databases that this thread has a transaction open in."""
    global _looked
    if not _looked:
        _looked = True
        for connection in connections.all(initialized_only=True):
            _remember(connection)
    return {c.alias for known in _opened if (c := known()) and c._thread_ident == get_ident() and _is_open(c)}  # noqa: SLF001


def leave_database_clean() -> None:
    """Close every connection that a failed body left inside a transaction, torn in mid-statement, or with an error.

    After some errors each further statement fails on that connection alone: its server has become a standby, or the
    type of a column has changed since the statement was prepared. The next attempt begins with another.
    """
    for connection in connections.all(initialized_only=True):
        began = connection.in_atomic_block or not connection.autocommit
        if began or connection.errors_occurred or _is_torn(connection.connection):
            connection.in_atomic_block = False  # else Django waits for an `atomic` that nobody will leave
            connection.close()


def _is_open(connection: Any) -> bool:
    """Whether anything is uncommitted: by `atomic`, by `set_autocommit(False)` or by a BEGIN of the body's own."""
    if connection.in_atomic_block or connection.connection is None:
        return bool(connection.in_atomic_block)
    return not connection.autocommit or _status(connection.connection) in BEGUN


def _is_torn(inner: Any) -> bool:
    return inner is not None and _status(inner) != TransactionStatus.IDLE


def _status(inner: Any) -> int:
    """As libpq has it, which costs less than psycopg's word for it. Of another kind of database Django alone knows."""
    pgconn = getattr(inner, "pgconn", None)
    return TransactionStatus.IDLE if pgconn is None else pgconn.transaction_status
