"""A statement that is sent now and whose answer is read later: its sender does something else meanwhile.

psycopg's own ways wait for each answer. So this speaks to libpq, through psycopg's documented wrapper of it.
"""

import select
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus

from idempotency.prepared import call_of, preparation_of
from idempotency.statements import statement

_prepared: WeakKeyDictionary[psycopg.Connection[Any], set[str]] = WeakKeyDictionary()


class UnderWay:
    """The answer that is to come. Nothing else may use the connection before it is read, or `wait` has been called."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._pgconn = connection.pgconn
        self._rows: int | None = None
        self._error: psycopg.Error | None = None

    def arrived(self) -> bool:
        """Whether `rows` would answer at once."""
        if self._rows is None and self._error is None and not self._is_busy():
            self._read()
        return self._rows is not None or self._error is not None

    def wait(self) -> None:
        """Until the answer is here, good or bad."""
        while not self.arrived():
            select.select([self._pgconn.socket], [], [])

    def rows(self) -> int:
        """How many rows it returned. Raises psycopg.Error where it failed, or where nobody knows."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._rows or 0

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
                self._rows = result.ntuples
            else:
                self._error = error_from_result(result)
        if self._pgconn.status == ConnStatus.BAD or (self._rows is None and self._error is None):
            self._error = psycopg.OperationalError("the connection was lost before the answer came")


def send(connection: psycopg.Connection[Any], name: str, /, **params: Any) -> UnderWay:
    """Send the statement `sql/<name>.sql`. It is prepared the first time, unless a pool lies between."""
    if connection.prepare_threshold is None:
        text = psycopg.ClientCursor(connection).mogrify(statement(name), params)
    else:
        text = _prepared_call(connection, name, params)
    pgconn = connection.pgconn
    pgconn.send_query(text.encode(connection.info.encoding))
    while pgconn.flush():  # more than fits into the socket's buffer
        select.select([pgconn.socket], [pgconn.socket], [])
        pgconn.consume_input()  # the server may have to get rid of something before it reads on
    return UnderWay(connection)


def _prepared_call(connection: psycopg.Connection[Any], name: str, params: dict[str, Any]) -> str:
    known = _prepared.setdefault(connection, set())
    if name not in known:
        connection.execute(preparation_of(name).encode(), prepare=False)
        known.add(name)
    return psycopg.ClientCursor(connection).mogrify(call_of(name), params)
