"""What a body may leave behind in the application's databases: open transactions, torn connections."""

from threading import get_ident
from typing import Any
from weakref import ref

from django.db import connections
from django.db.backends.signals import connection_created

# Of every connection that was ever opened: to ask Django for those of this thread costs more than all the rest of a job
# that uses none. One that was never opened has nothing open.
_opened: list[ref[Any]] = []
_looked = False  # whether those that were opened before this file was read are among them


def _remember(connection: Any, **_: Any) -> None:
    _opened[:] = [known for known in _opened if known() not in (None, connection)] + [ref(connection)]


connection_created.connect(_remember)


def any_opened() -> bool:
    """Whether any connection was ever opened in this process, or the one that it was forked from."""
    return bool(_opened) or not _looked


def open_transactions() -> set[str]:
    """Aliases of the databases that this thread has a transaction open in."""
    global _looked
    if not _looked:
        _looked = True
        for connection in connections.all(initialized_only=True):
            _remember(connection)
    return {c.alias for known in _opened if (c := known()) and c._thread_ident == get_ident() and _is_open(c)}  # noqa: SLF001


def leave_database_clean() -> None:
    """Close every connection that a body left inside a transaction, or that a soft limit tore in mid-statement."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block or not connection.autocommit or _is_torn(connection.connection):
            connection.in_atomic_block = False  # else Django waits for an `atomic` that nobody will leave
            connection.close()


def _is_open(connection: Any) -> bool:
    """Whether anything is uncommitted: by `atomic`, by `set_autocommit(False)` or by a BEGIN of the body's own."""
    if connection.in_atomic_block or connection.connection is None:
        return bool(connection.in_atomic_block)
    inner = connection.connection
    return not connection.autocommit or bool(not inner.closed and inner.info.transaction_status)


def _is_torn(connection: Any) -> bool:
    return connection is not None and bool(connection.closed or connection.info.transaction_status)
