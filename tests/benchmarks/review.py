"""`python -m tests.benchmarks.review`: how long the pages of review take, alone and while a bulk replay runs.

10,000 dead letters in 40 groups, a gunicorn with one process, pages fetched one after the other as a person does. Then
all of them are replayed at 500 a second, by the relay, and run by a worker, while the same pages are fetched again.
"""

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median, quantiles
from typing import Any

import httpx

from tests.benchmarks import arena

JOBS, CAUSES, RATE = 10_000, 40, 500.0
INBOX, INDEX = "/admin/jobs/deadletter/", "/admin/"
LONGEST = 600.0  # seconds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.review", description=__doc__)
    parser.add_argument("--jobs", type=int, default=JOBS, help=f"dead letters ({JOBS:,})")
    parser.add_argument("--rate", type=float, default=RATE, help=f"jobs a second ({RATE:g})")
    parser.add_argument("--fetches", type=int, default=60, help="of each page before the bulk replay (60)")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    asked = parser.parse_args(arguments)
    with arena.opened() as opened, _browser(opened) as browser:
        found = _measure(opened, browser, asked)
    print(json.dumps(found) if asked.json else "\n".join(f"{name:>32} {value}" for name, value in found.items()))
    return 0


def _measure(opened: arena.Arena, browser: httpx.Client, asked: argparse.Namespace) -> dict[str, Any]:
    from django.db import connection

    from tests.dead_letters import make

    make(
        connection,
        asked.jobs,
        task="tests.benchmarks.noop",
        queue="backlog",
        causes=CAUSES,
        parameter="number",
        prefix="",
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    inbox, index = _fetches(browser, INBOX, asked.fetches), _fetches(browser, INDEX, asked.fetches)
    began = time.monotonic()
    bulk = _started(asked.rate)
    chosen_in = time.monotonic() - began
    page = f"/admin/jobs/bulkreplay/{bulk.pk}/change/"
    opened.programs.relay()
    celery = [sys.executable, "-m", "celery", "--app", "config", "worker", "--queues", "backlog", "--concurrency", "1"]
    opened.programs.spawn("worker", *celery, "--without-gossip", "--without-mingle", "--loglevel", "INFO")
    _wait_for(bulk, "running")
    ran_from, indexes, pages = time.monotonic(), [], []
    while _state(bulk) == "running":
        indexes += _fetches(browser, INDEX, 1)
        pages += _fetches(browser, page, 1)
    took = time.monotonic() - ran_from
    return {
        "dead_letters": asked.jobs,
        "choosing_them_s": round(chosen_in, 2),
        "inbox_ms": _told(inbox),
        "index_alone_ms": _told(index),
        "index_during_ms": _told(indexes),
        "index_ratio": round(median(indexes) / median(index), 2),
        "bulk_page_during_ms": _told(pages),
        "replayed_per_s": round(asked.jobs / took),
        "load": round(os.getloadavg()[0], 1),
    }


def _started(rate: float) -> Any:
    from jobs.review import bulk
    from jobs.review.scope import Scope

    found = bulk.draft(Scope(), by="benchmark")
    bulk.start(found, bulk.Pace(rate=rate), by="benchmark", why="to measure it")
    return found


def _state(bulk: Any) -> str:
    bulk.refresh_from_db()
    return str(bulk.state)


def _wait_for(bulk: Any, state: str) -> None:
    ends = time.monotonic() + LONGEST
    while _state(bulk) != state:
        if time.monotonic() > ends:
            raise SystemExit(f"it is {bulk.state} and not {state} after {LONGEST:g} s: {bulk.state_why}")
        time.sleep(0.01)


def _fetches(browser: httpx.Client, page: str, times: int) -> list[float]:
    """Milliseconds of each."""
    spans = []
    for _ in range(times):
        began = time.perf_counter()
        browser.get(page).raise_for_status()
        spans.append(1000 * (time.perf_counter() - began))
    return spans


def _told(spans: list[float]) -> dict[str, float]:
    cuts = quantiles(spans, n=20, method="inclusive") if len(spans) > 1 else spans * 19
    return {"p50": round(median(spans), 1), "p95": round(cuts[18], 1), "max": round(max(spans), 1)}


@contextmanager
def _browser(opened: arena.Arena) -> Iterator[httpx.Client]:
    """Somebody who is logged in, at a web server of one process."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("benchmark"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["-m", "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", "4"]
    server = opened.programs.spawn("web", sys.executable, *command)
    server.wait_for_log("Booting worker")
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", cookies=cookies, trust_env=False, timeout=60) as browser:
        _fetches(browser, INDEX, 5)
        yield browser


if __name__ == "__main__":
    sys.exit(main())
