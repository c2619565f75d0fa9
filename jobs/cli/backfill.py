from argparse import ArgumentParser
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.cli.arguments import moment
from jobs.cli.needing import need_schedules
from jobs.cli.printing import say, table

help = "fire the ticks of a past range that never fired; what fired stays as it is"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("schedule", metavar="NAME")
    parser.add_argument(
        "--from", dest="start", type=moment, required=True, metavar="ISO", help="2026-12-24T00:00+01:00"
    )
    parser.add_argument(
        "--to", dest="end", type=moment, required=True, metavar="ISO", help="the last moment of the range"
    )
    parser.add_argument("--reason", required=True, help="kept in the audit trail")
    parser.add_argument("--dry-run", action="store_true", help="show what would fire, and fire nothing")


def handle(command: BaseCommand, *, json: bool, schedule: str, start: datetime, end: datetime, **options: Any) -> None:
    need_schedules()
    from jobs.schedules import deciding

    reason, dry_run = options["reason"], options["dry_run"]
    try:
        filled = deciding.backfill(schedule, start, end, by=getuser(), why=reason, dry_run=dry_run)
    except deciding.BackfillError as error:
        raise CommandError(f"{schedule}: {error}") from error
    counts = dict(Counter(one.outcome for one in filled))
    rows = [[f"{one.nominal:%Y-%m-%d %H:%M:%S}", one.outcome, one.why or ""] for one in filled]
    text = table(["tick (UTC)", "is", "because"], rows) if rows else "There is no tick in this range."
    if dry_run:
        text += "\nNothing was fired: this was a dry run."
    shown = {"schedule": schedule, "dry_run": dry_run, "counts": counts, "ticks": [asdict(one) for one in filled]}
    say(command, shown, text, as_json=json)
