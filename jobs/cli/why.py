from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from jobs.cli.arguments import job_id
from jobs.cli.printing import say
from jobs.why import explain

help = "say in one sentence where a job stands and what it waits for"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=job_id, metavar="ID")


def handle(command: BaseCommand, *, json: bool, id: UUID, **_: Any) -> None:  # noqa: A002 - argparse's name
    explained = explain(connection, id)
    if explained is None:
        raise CommandError(f"No job {id}. It was never enqueued here, its transaction was rolled back, or it had no "
                           "key and was pruned.")  # fmt: skip
    standing, sentence = explained
    say(command, asdict(standing) | {"why": sentence}, sentence, as_json=json)
