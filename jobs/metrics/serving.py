"""The exporter: one page over HTTP for Prometheus. Any number may run; all tell the same."""

import hmac
import logging
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import psycopg
from prometheus_client import CollectorRegistry, make_wsgi_app

from jobs import log_events
from jobs.metrics import reading, snapshot
from jobs.metrics.exposition import Ledger
from jobs.own_connection import OwnConnection

logger = logging.getLogger(__name__)

Start = Callable[..., Any]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Each scrape in the log would be all that there is in it."""


def serve(host: str, port: int, token: str | None) -> Server:
    """A server that listens; `serve_forever()` and `shutdown()` are its own. Port 0: any that is free."""
    return make_server(host, port, application(token), Server, Quiet)


def application(token: str | None) -> Any:
    """The WSGI application: `/metrics`, for whoever says the token, where there is one."""

    def answer(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if not _may(environ.get("HTTP_AUTHORIZATION", ""), token):
            start("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")])
            return [b"the token is missing or wrong\n"]
        if environ.get("PATH_INFO") not in ("/metrics", "/metrics/"):
            start("404 Not Found", [("Content-Type", "text/plain")])
            return [b"the metrics are at /metrics\n"]
        return _tell(environ, start)

    return answer


def _tell(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    own = OwnConnection("jobs exporter")  # of this thread, for one scrape in fifteen seconds
    registry = CollectorRegistry(auto_describe=False)
    try:
        registry.register(Ledger(lambda: own.once(lambda c: (snapshot.newest(c).samples, reading.ever(c)))))
        told: Iterable[bytes] = make_wsgi_app(registry)(environ, start)
    except psycopg.Error as error:
        logger.warning("no metrics: %s", error, extra=log_events.METRICS_UNREAD)
        start("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"the database is away\n"]
    else:
        return told
    finally:
        own.close()


def _may(said: str, token: str | None) -> bool:
    return token is None or hmac.compare_digest(said.encode(), f"Bearer {token}".encode())
