from argparse import ArgumentParser
from datetime import datetime, timedelta
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from idempotency import reads
from jobs.cli.arguments import moment, queue_name, span
from jobs.cli.printing import say
from jobs.review import pausing

help = "let nobody claim from a queue; jobs in flight finish"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("queue", type=queue_name)
    parser.add_argument("--reason", required=True, help="shown to everybody who asks why nothing runs")
    until = parser.add_mutually_exclusive_group()
    until.add_argument("--seconds", type=span, help="default: until somebody resumes it")
    until.add_argument("--until", type=moment, metavar="ISO", help="a moment with its zone: 2026-12-24T18:00+01:00")


def handle(
    command: BaseCommand,
    *,
    json: bool,
    queue: str,
    reason: str,
    seconds: timedelta | None,
    until: datetime | None,
    **_: Any,
) -> None:
    duration = seconds
    if until is not None and (duration := until - reads.now(connection)) <= timedelta(0):
        raise CommandError(f"--until {until.isoformat()} has passed; nothing was paused.")
    done = pausing.pause(queue, duration=duration, by=getuser(), why=reason).done
    text = f"{queue} is paused" if done else f"{queue} was paused for longer already; nothing changed"
    say(command, {"queue": queue, "paused": done}, text, as_json=json)
