import signal
import threading
from argparse import ArgumentParser
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.cli.printing import say

help = "serve the metrics for Prometheus, until stopped; any number may run, all tell the same"
PORT = 9808


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=PORT, help=f"default {PORT}; 0: any that is free")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at, default 127.0.0.1")
    parser.add_argument("--token-file", type=Path, help="file with the bearer token that a scrape must say")


def handle(command: BaseCommand, *, json: bool, port: int, host: str, token_file: Path | None, **_: Any) -> None:
    try:
        from jobs.metrics.serving import serve
    except ImportError as error:
        raise CommandError("The exporter needs prometheus_client: pip install prometheus-client") from error
    if token_file is None and not _is_here(host):
        raise CommandError(f"{host} can be reached by others: say --token-file, so that only Prometheus is told.")
    server = serve(host, port, token_file.read_text().strip() if token_file else None)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    url = f"http://{host}:{server.server_port}/metrics"
    say(command, {"exporter": "ready", "url": url}, f"exporter: ready at {url}", as_json=json)
    with server:
        server.serve_forever()


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
