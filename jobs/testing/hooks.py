"""Where a process meets the world: these calls are boundaries. Put in only after a fork, so that they die with it."""

import re
import smtplib
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pkgutil import resolve_name
from typing import Any

import kombu
import psycopg
from django.core.mail import EmailMessage
from kombu.message import Message
from psycopg.pq import TransactionStatus

from idempotency import statements, transitions
from jobs import hints
from jobs.testing.boundaries import Kind, Watch

SHOWN = 80  # characters of a statement
CHANGING = re.compile(r"s\d+_x\d+|[0-9a-f]{8}-[0-9a-f-]{27}|\d{2,}")  # savepoints, ids: they differ from run to run


def install(watch: Watch, also: tuple[str, ...]) -> None:
    """Make every call below a boundary of this process; `also` are dotted names of functions of the application."""
    _sql(watch)
    _broker(watch)
    _outside(watch)
    for name in also:
        owner, _, function = name.rpartition(".")
        _hook(watch, Kind.OWN, resolve_name(owner), function, lambda *_, name=name, **__: name)


def _hook(watch: Watch, kind: Kind, owner: Any, function: str, name: Callable[..., str]) -> None:
    original = getattr(owner, function)

    @wraps(original)
    def crossed(*args: Any, **kwargs: Any) -> Any:
        with watch.crossing(kind, CHANGING.sub("#", name(*args, **kwargs))):
            return original(*args, **kwargs)

    setattr(owner, function, crossed)


# -- the database -----------------------------------------------------------------------------------------------------


def _sql(watch: Watch) -> None:
    for cursor in (psycopg.Cursor, psycopg.ServerCursor):
        for function in ("execute", "executemany"):
            _statements(watch, cursor, function)
    _copies(watch)
    _hook(
        watch, Kind.SQL_AND_COMMIT, transitions, "ask", lambda _, name, *__, **___: _shown(statements.statement(name))
    )
    _hook(watch, Kind.SQL_AND_COMMIT, transitions, "send_succeed", lambda *_, **__: "succeed, sent")
    _hook(watch, Kind.COMMIT, psycopg.Connection, "commit", lambda *_: "COMMIT")
    _hook(watch, Kind.COMMIT, psycopg.Connection, "rollback", lambda *_: "ROLLBACK")
    _hook(watch, Kind.SQL, psycopg.Transaction, "__enter__", lambda *_: "BEGIN")
    _hook(watch, Kind.COMMIT, psycopg.Transaction, "__exit__", lambda _, error, *__: "ROLLBACK" if error else "COMMIT")


def _statements(watch: Watch, cursor: Any, function: str) -> None:
    original = getattr(cursor, function)

    @wraps(original)
    def crossed(self: Any, query: Any, *args: Any, **kwargs: Any) -> Any:
        with watch.crossing(_kind(self.connection), statement(query, self)):
            return original(self, query, *args, **kwargs)

    setattr(cursor, function, crossed)


def _copies(watch: Watch) -> None:
    original = psycopg.Cursor.copy

    @contextmanager
    def crossed(self: Any, query: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
        manager, name = original(self, query, *args, **kwargs), statement(query, self)
        with watch.crossing(Kind.SQL, name):
            copy = manager.__enter__()
        try:
            yield copy
        except BaseException:
            if not manager.__exit__(*sys.exc_info()):
                raise
        else:
            with watch.crossing(_kind(self.connection), f"end of {name}"):
                manager.__exit__(None, None, None)

    psycopg.Cursor.copy = crossed  # type: ignore[assignment,method-assign]


def _kind(connection: Any) -> Kind:
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    return Kind.SQL_AND_COMMIT if connection.autocommit and idle else Kind.SQL


def statement(query: Any, cursor: Any) -> str:
    """The first words of a statement, or the comment that it begins with."""
    return _shown(query if isinstance(query, str) else _text(query, cursor))


def _shown(text: str) -> str:
    words = text.strip().removeprefix("--").split("\n")[0] if text.strip().startswith("--") else text
    return CHANGING.sub("#", " ".join(words.split())[:SHOWN])


def _text(query: Any, cursor: Any) -> str:
    return query.decode(errors="replace") if isinstance(query, bytes) else str(query.as_string(cursor))


# -- the broker -------------------------------------------------------------------------------------------------------


def _broker(watch: Watch) -> None:
    _hook(watch, Kind.PUBLISH, kombu.Producer, "publish", lambda *_, **message: f"to {message.get('routing_key')}")
    _hook(watch, Kind.GET, kombu.Queue, "get", lambda queue, *_, **__: f"from {queue.name}")
    _hook(watch, Kind.ACK, Message, "ack", lambda *_, **__: "of the message")
    _hook(watch, Kind.DEPTH, hints, "depth", lambda queue: f"of {queue}")


# -- everything else --------------------------------------------------------------------------------------------------


def _outside(watch: Watch) -> None:
    _hook(watch, Kind.MAIL, EmailMessage, "send", lambda *_, **__: "by Django's back-end")
    _hook(watch, Kind.MAIL, smtplib.SMTP, "sendmail", lambda *_, **__: "by SMTP")
    _hook(watch, Kind.CALL, urllib.request.OpenerDirector, "open", lambda *_, **__: "by urllib")
    if httpx := sys.modules.get("httpx"):
        _hook(watch, Kind.CALL, httpx.HTTPTransport, "handle_request", lambda _, r: f"{r.method} {r.url.path}")
    if requests := sys.modules.get("requests"):
        path = "adapters.HTTPAdapter"
        adapter = resolve_name(f"{requests.__name__}:{path}")
        _hook(watch, Kind.CALL, adapter, "send", lambda _, r, **__: f"{r.method} {r.path_url.partition('?')[0]}")
