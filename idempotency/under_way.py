"""A statement that is sent now and whose answer is read later: its sender does something else meanwhile.

psycopg's own ways wait for each answer, and read a long statement anew each time. So this speaks to libpq, through
psycopg's documented wrapper of it.
"""

import select
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from functools import cache
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus

from idempotency import arrays
from idempotency.prepared import PARAMETER
from idempotency.statements import statement

_prepared: WeakKeyDictionary[psycopg.Connection[Any], set[str]] = WeakKeyDictionary()


class UnderWay:
    """The answer that is to come. Nothing else may use the connection before it is read, or `wait` has been called."""

    def __init__(self, connection: psycopg.Connection[Any], again: Callable[[], None]) -> None:
        self._connection, self._again = connection, again
        self._pgconn = connection.pgconn
        self._result: Any = None
        self._error: psycopg.Error | None = None

    def arrived(self) -> bool:
        """Whether `count` would answer at once."""
        if self._result is None and self._error is None and not self._is_busy():
            self._read()
        return self._result is not None or self._error is not None

    def wait(self) -> None:
        """Until the answer is here, good or bad."""
        while not self.arrived():
            select.select([self._pgconn.socket], [], [])

    def count(self) -> int:
        """How many rows it returned. Raises psycopg.Error where it failed, or where nobody knows."""
        self.wait()
        if isinstance(self._error, InvalidSqlStatementName) and self._is_free():
            self._error = None
            self._again()
            self.wait()
        if self._error is not None:
            raise self._error
        return int(self._result.ntuples)

    def rows(self) -> list[tuple[Any, ...]]:
        """The same rows themselves."""
        count, reader = self.count(), Transformer(self._connection)
        reader.set_pgresult(self._result)
        return reader.load_rows(0, count, tuple)

    def _is_free(self) -> bool:
        return bool(self._pgconn.transaction_status == TransactionStatus.IDLE)

    def _is_busy(self) -> bool:
        try:
            self._pgconn.consume_input()
        except psycopg.OperationalError as error:
            self._error = error
            return False
        return bool(self._pgconn.is_busy())

    def _read(self) -> None:
        while (result := self._pgconn.get_result()) is not None:
            if result.status == ExecStatus.TUPLES_OK:
                self._result = result
            else:
                self._error = error_from_result(result)
        if self._pgconn.status == ConnStatus.BAD or (self._result is None and self._error is None):
            self._error = psycopg.OperationalError("the connection was lost before the answer came")


def ask(connection: psycopg.Connection[Any], name: str, /, **params: Any) -> list[tuple[Any, ...]]:
    """Run the statement `sql/<name>.sql` and wait for its rows; half as dear as psycopg's way where it is long."""
    under_way = send(connection, name, **params)
    try:
        return under_way.rows()
    except BaseException:
        if not under_way.arrived():  # told to stop in the middle: nobody else may take this answer for his own
            connection.close()
        raise


def send(connection: psycopg.Connection[Any], name: str, /, **params: Any) -> UnderWay:
    """Send the statement `sql/<name>.sql`. It is prepared the first time, unless a pool lies between."""

    def again() -> None:
        """What was prepared is gone, for psycopg drops everything after a rollback; so nothing has been done."""
        _prepared.pop(connection, None)
        _send(connection, name, params)

    _send(connection, name, params)
    return UnderWay(connection, again)


def _send(connection: psycopg.Connection[Any], name: str, params: Mapping[str, Any]) -> None:
    pgconn, (text, names) = connection.pgconn, _numbered(name)
    values = [_encoded(params[each]) for each in names]
    if connection.prepare_threshold is None:
        pgconn.send_query_params(text, values, result_format=Format.BINARY)
    else:
        _prepare(connection, name, text)
        pgconn.send_query_prepared(name.encode(), values, result_format=Format.BINARY)
    while pgconn.flush():  # more than fits into the socket's buffer
        select.select([pgconn.socket], [pgconn.socket], [])
        pgconn.consume_input()  # the server may have to get rid of something before it reads on


def _prepare(connection: psycopg.Connection[Any], name: str, text: bytes) -> None:
    known = _prepared.setdefault(connection, set())
    if name not in known or _is_dropped(connection.pgconn, name):
        result = connection.pgconn.prepare(name.encode(), text)
        if connection.pgconn.status == ConnStatus.BAD:
            raise psycopg.OperationalError(f"the connection was lost: {result.error_message.decode(errors='replace')}")
        if result.status != ExecStatus.COMMAND_OK:
            raise error_from_result(result)
        known.add(name)


def _is_dropped(pgconn: Any, name: str) -> bool:
    """Asked in a transaction alone: it would end with the error that tells so elsewhere."""
    if pgconn.transaction_status == TransactionStatus.IDLE:
        return False
    return not pgconn.exec_params(b"SELECT FROM pg_prepared_statements WHERE name = $1", [name.encode()]).ntuples


@cache
def _numbered(name: str) -> tuple[bytes, list[str]]:
    """The statement with its parameters by number, as the server wants it, and their names in that order."""
    text = statement(name)
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    return PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text).encode(), names


def _encoded(value: Any) -> bytes | None:
    """As PostgreSQL reads it; of which type it is the statement knows."""
    match value:
        case None:
            return None
        case str():
            return value.encode()
        case timedelta():
            return f"{value.total_seconds():f} s".encode()
        case bool() | int() | UUID():
            return str(value).encode()
        case Collection():
            return _array(list(value)).encode()
    raise TypeError(f"{type(value).__name__} is no parameter of a statement that is sent")


def _array(values: list[Any]) -> str:
    if values and isinstance(values[0], str):
        return arrays.of_texts(values)
    if values and isinstance(values[0], UUID):
        return arrays.of_digits(value.hex for value in values)
    return arrays.of_numbers(values)
