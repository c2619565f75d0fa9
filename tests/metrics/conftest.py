import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jobs.metrics import snapshot
from tests.records import own_connection


@pytest.fixture
def own(db):
    """A connection as the exporter has one, inside a transaction that the test's end rolls back."""
    with own_connection() as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.fixture
def read(own):
    """Takes a snapshot and returns its `value(metric, **labels)`."""
    return lambda: snapshot.newest(own, fresh=timedelta(0)).value


class JsonSink(ThreadingHTTPServer):
    """A webhook's other end, which keeps what it is posted."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Sink)
        self.received = []
        self.url = f"http://127.0.0.1:{self.server_port}/"


class Sink(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def httpserver_json():
    """`url`, and what was posted there: `received`."""
    with JsonSink() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
