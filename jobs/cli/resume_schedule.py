from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.needing import need_schedules
from jobs.cli.printing import say

help = "let a schedule tick again that paused because its jobs were given up"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("schedule", metavar="NAME")
    parser.add_argument("--reason", required=True, help="kept in the audit trail")


def handle(command: BaseCommand, *, json: bool, schedule: str, reason: str, **_: Any) -> None:
    need_schedules()
    from jobs.schedules.deciding import resume

    done = resume(schedule, by=getuser(), why=reason)
    text = f"{schedule} ticks again" if done else f"{schedule} is not paused; nothing changed"
    say(command, {"schedule": schedule, "resumed": done}, text, as_json=json)
