import signal
from argparse import ArgumentParser
from contextlib import closing
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.printing import say
from jobs.relay import Relay, Ticked

help = "run the relay: hints, expired leases, parked jobs and pruning, until stopped; any number may run"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="one tick, then end")


def handle(command: BaseCommand, *, json: bool, once: bool, **_: Any) -> None:
    with closing(Relay()) as relay:
        if once:
            _tell(command, relay.tick(), as_json=json, always=True)
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: relay.stopped.set())
        say(command, {"relay": "ready"}, "relay: ready", as_json=json)
        relay.run(lambda ticked: _tell(command, ticked, as_json=json))


def _tell(command: BaseCommand, ticked: Ticked, *, as_json: bool, always: bool = False) -> None:
    """A line only for what operators would ask about: expired leases and unparked jobs."""
    if always or ticked.reaped or ticked.unparked:
        did = asdict(ticked)
        say(command, did, "relay: " + ", ".join(f"{k} {v}" for k, v in did.items() if k != "next_in"), as_json=as_json)
