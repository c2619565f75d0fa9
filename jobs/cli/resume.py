from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from idempotency import queues
from jobs.cli.arguments import queue_name
from jobs.cli.printing import say

help = "end the pause of a queue"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("queue", type=queue_name)
    parser.add_argument("--reason", help="kept beside your name")


def handle(command: BaseCommand, *, json: bool, queue: str, reason: str | None, **_: Any) -> None:
    done = queues.resume(connection, queue, by=getuser(), reason=reason)
    say(command, {"queue": queue, "resumed": done}, f"{queue} {'goes on' if done else 'was not paused'}", as_json=json)
