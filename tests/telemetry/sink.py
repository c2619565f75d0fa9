"""`python -m tests.telemetry.sink PORT FILE`: what Sentry and an OpenTelemetry collector would have received.

It speaks both protocols as far as clients do: Sentry's envelopes and OTLP over HTTP. Each item is one JSON line.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Sink(BaseHTTPRequestHandler):
    file: Path
    lock = Lock()
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in two writes comes 40 ms late: the client acknowledges the first no sooner

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        items = list(envelope(body) if self.path.endswith("/envelope/") else spans(body))
        with self.lock, self.file.open("a") as file:
            file.writelines(json.dumps(item) + "\n" for item in items)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


def envelope(body: bytes) -> Iterator[dict[str, Any]]:
    """A header, then for each item a header and a payload of the length that this names, or of one line."""
    _, rest = body.split(b"\n", 1)
    while rest.strip():
        line, rest = rest.split(b"\n", 1)
        header = json.loads(line)
        length = header.get("length", rest.find(b"\n") if b"\n" in rest else len(rest))
        payload, rest = rest[:length], rest[length:].lstrip(b"\n")
        yield {"from": "sentry", "type": header["type"], **json.loads(payload)}


def spans(body: bytes) -> Iterator[dict[str, Any]]:
    for resource in MessageToDict(ExportTraceServiceRequest.FromString(body)).get("resourceSpans", ()):
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                yield {"from": "otlp", "scope": scope["scope"]["name"], **span}


if __name__ == "__main__":
    Sink.file = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Sink).serve_forever()
