import logging
import signal
import threading
from argparse import ArgumentParser
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandError

from idempotency import reads
from jobs import log_events
from jobs.cli.printing import say
from jobs.metrics import snapshot, telling, watching
from jobs.metrics.alerts import alerts
from jobs.own_connection import OwnConnection

help = "evaluate the alerts without Prometheus, tell by mail and webhook; --once: look once, exit code 1 if any fires"
EVERY = 15.0  # seconds: as often as the snapshot changes

logger = logging.getLogger(__name__)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="look once, print what fires, and end")
    parser.add_argument("--alert", metavar="NAME", help="with --once: tell of this one alone")
    parser.add_argument("--fresh", action="store_true", help="read everything anew, and not the kept snapshot")


def handle(command: BaseCommand, *, json: bool, once: bool, fresh: bool, alert: str | None, **_: Any) -> None:
    stopped = threading.Event()
    with closing(OwnConnection("jobs watch")) as own:
        if once:
            change = own.once(lambda c: look(c, fresh=fresh))
            telling.tell(change)
            change = _only(change, alert)
            _say(command, change, as_json=json)
            raise SystemExit(1 if change.firing else 0)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        say(command, {"watch": "ready"}, "watch: ready", as_json=json)
        while not stopped.is_set():
            _look_and_tell(command, own, as_json=json)
            stopped.wait(EVERY)


def look(connection: Any, *, fresh: bool = False) -> watching.Change:
    """One look at the newest snapshot."""
    found = snapshot.newest(connection, fresh=timedelta(0) if fresh else None)
    return watching.look(connection, found.samples, reads.now(connection))


def _only(change: watching.Change, alert: str | None) -> watching.Change:
    """What concerns one alert; all where none is named."""
    if alert is None:
        return change
    if alert not in {a.name for a in alerts()}:
        raise CommandError(f"There is no alert {alert}. They are: {', '.join(a.name for a in alerts())}.")
    firing = [h for h in change.firing if h.alert.name == alert]
    return replace(change, firing=firing, over=[o for o in change.over if o[0] == alert])


def _look_and_tell(command: BaseCommand, own: OwnConnection, *, as_json: bool) -> None:
    try:
        change = own.once(look)
    except psycopg.Error as error:
        logger.error("nothing is watched, the database is away: %s", error, extra=log_events.DATABASE_AWAY)  # noqa: TRY400 - the error says it all
        return
    telling.tell(change)
    if change.news or change.over:
        _say(command, change, as_json=as_json)


def _say(command: BaseCommand, change: watching.Change, *, as_json: bool) -> None:
    firing = [h.as_json() for h in change.firing]
    lines = [f"{f['severity']}: {f['description']} ({f['runbook']})" for f in firing]
    say(command, {"firing": firing, "over": [list(o) for o in change.over]}, "\n".join(lines) or "all is well",
        as_json=as_json)  # fmt: skip
