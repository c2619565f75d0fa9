from argparse import ArgumentParser
from contextlib import closing
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from jobs import conf
from jobs.cli.printing import say
from jobs.own_connection import OwnConnection
from jobs.relay import prune

help = "delete payload and result of old succeeded records, once; their keys keep answering"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--older-than-days", type=float, help="default: JOBS_RETENTION")


def handle(command: BaseCommand, *, json: bool, older_than_days: float | None, **_: Any) -> None:
    retention = conf.retention() if older_than_days is None else timedelta(days=older_than_days)
    with closing(OwnConnection("jobs prune")) as own:
        pruned = prune(own, retention)
    say(command, {"pruned": pruned}, f"{pruned} pruned", as_json=json)
