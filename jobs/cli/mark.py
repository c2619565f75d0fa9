from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.printing import say
from jobs.models import Mark

help = "put a mark into the overview's chart, such as a deploy"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("text", help="what happened: deploy 1.2.3")


def handle(command: BaseCommand, *, json: bool, text: str, **_: Any) -> None:
    mark = Mark.objects.create(by=getuser(), text=text)
    say(command, {"at": mark.at.isoformat(), "by": mark.by, "text": text}, f"marked: {text}", as_json=json)
