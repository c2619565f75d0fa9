"""Statements that PostgreSQL plans once per connection, on connections whose owner has psycopg prepare nothing.

Django's connections are such. Planning an enqueue takes longer than writing the record.
"""

import re
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

import psycopg

from idempotency.statements import Connection, run, statement

PARAMETER = re.compile(r"%\((\w+)\)s")

# By connection: the statements that it has, or None where nothing may be prepared.
_known: WeakKeyDictionary[psycopg.Connection[Any], set[str] | None] = WeakKeyDictionary()


def run_prepared(connection: Connection, name: str, /, **params: Any) -> list[tuple[Any, ...]]:
    """As `run`, but planned once: from the second time on, since many connections live for one request."""
    if isinstance(connection, psycopg.Connection):
        return run(connection, name, **params)  # psycopg prepares by itself, or is told not to
    with connection.cursor() as cursor:
        if _is_prepared(connection, name):
            cursor.execute(call_of(name), params)
        else:
            cursor.execute(statement(name), params)
        return cursor.fetchall()  # type: ignore[no-any-return]


def preparation_of(name: str) -> str:
    """The SQL that prepares `sql/<name>.sql` under the name `call_of` calls."""
    text = statement(name)
    names = _parameters(text)
    return f"PREPARE jobs_{name} AS {PARAMETER.sub(lambda found: f'${names.index(found[1]) + 1}', text)}"


@cache
def call_of(name: str) -> str:
    places = ", ".join(f"%({parameter})s" for parameter in _parameters(statement(name)))
    return f"EXECUTE jobs_{name} ({places})"


def _parameters(text: str) -> list[str]:
    return list(dict.fromkeys(PARAMETER.findall(text)))


def _is_prepared(connection: Any, name: str) -> bool:
    inner = connection.connection
    if inner not in _known:
        _known[inner] = set()
        return False
    prepared = _known[inner]
    if prepared is None or name in prepared:
        return prepared is not None
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        if not _is_direct(connection, inner):
            _known[inner] = None
            return False
        inner.execute(preparation_of(name).encode())
    prepared.add(name)
    return True


def _is_direct(connection: Any, inner: psycopg.Connection[Any]) -> bool:
    """Whether each statement reaches the same server process, and what is prepared there is left alone.

    A pooler tells its clients a process that is none. A psycopg that prepares by itself drops all, ours too, whenever a
    transaction rolls back.
    """
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):  # Django's word for a PgBouncer
        return False
    if inner.prepare_threshold is not None:
        return False
    answer = inner.execute("SELECT pg_backend_pid()").fetchone()
    return answer is not None and answer[0] == inner.info.backend_pid
