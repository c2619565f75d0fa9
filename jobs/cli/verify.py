from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from idempotency.audit import audit, breaches
from jobs import pulses
from jobs.cli.printing import say, table

help = "the conservation audit: every accepted record must be somewhere"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--task", help="only this task")


def handle(command: BaseCommand, *, json: bool, task: str | None, **_: Any) -> None:
    books = audit(connection, task)
    broken = breaches(connection, books)
    if task is None:
        pulses.beat(connection, pulses.VERIFY, found=len(broken))
    rows = [list(b.as_dict().values())[:-1] for b in books]
    head = ["task", "accepted", "succeeded", "failed_permanent", "dead_lettered", "processing", "queued", "pruned",
            "missing"]  # fmt: skip
    text = table(head, rows) + "\n" + ("\n".join(broken) or "The books balance.")
    say(
        command, {"balanced": not broken, "breaches": broken, "tasks": [b.as_dict() for b in books]}, text, as_json=json
    )
    if broken:
        raise CommandError("The books do not balance.", returncode=1)
