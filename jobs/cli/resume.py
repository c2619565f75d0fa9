from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.arguments import queue_name
from jobs.cli.printing import say
from jobs.review import pausing

help = "end the pause of a queue"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("queue", type=queue_name)
    parser.add_argument("--reason", help="kept beside your name")


def handle(command: BaseCommand, *, json: bool, queue: str, reason: str | None, **_: Any) -> None:
    done = pausing.resume(queue, by=getuser(), why=reason or "").done
    say(command, {"queue": queue, "resumed": done}, f"{queue} {'goes on' if done else 'was not paused'}", as_json=json)
