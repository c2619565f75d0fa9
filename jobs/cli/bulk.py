from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.cli.printing import say
from jobs.cli.telling import follow, tell_bulk
from jobs.models import BulkReplay
from jobs.review import bulk
from jobs.review.bulk import MOVES, BulkError

help = "bulk replays: list them, show one, wait for it, or pause, resume, cancel or approve it"
SHOWN = 20


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("number", nargs="?", type=int, help="of one bulk replay")
    parser.add_argument("--reason", help="kept in the audit trail; required to decide anything")
    parser.add_argument("--wait", action="store_true", help="until it moves no more")
    move = parser.add_mutually_exclusive_group()
    for name, what in MOVES.items():
        move.add_argument(f"--{name}", dest="move", action="store_const", const=name, help=what.will)


def handle(
    command: BaseCommand, *, json: bool, number: int | None, move: str | None, reason: str | None, wait: bool, **_: Any
) -> None:
    if number is None:
        _list(command, as_json=json, idle=move is None and not wait)
        return
    found = BulkReplay.objects.exclude(state=BulkReplay.State.DRAFT).filter(pk=number).first()
    if found is None:
        raise CommandError(f"No bulk replay {number}. `manage.py jobs bulk` lists them.")
    if move:
        _move(found, move, reason)
    if wait:
        follow(command, found, as_json=json)
    else:
        tell_bulk(command, found, as_json=json)


def _move(found: BulkReplay, move: str, reason: str | None) -> None:
    if not (reason or "").strip():
        raise CommandError("--reason is missing: the audit trail keeps it, with your name.")
    try:
        answer = bulk.decide(found, MOVES[move], by=getuser(), why=str(reason))
    except BulkError as error:
        raise CommandError(str(error)) from None
    if not answer.done:
        raise CommandError(f"Nothing was done: {answer.sentence}.")


def _list(command: BaseCommand, *, as_json: bool, idle: bool) -> None:
    if not idle:
        raise CommandError("Say which: `manage.py jobs bulk` lists them.")
    newest = BulkReplay.objects.exclude(state=BulkReplay.State.DRAFT).order_by("-id")[:SHOWN]
    for found in newest:
        value = {"bulk": found.pk, "state": found.state, "jobs": found.total, "by": found.by, "reason": found.why}
        text = f"{found.pk:>5}  {found.get_state_display().lower():<17}  {found.total:>7} jobs  {found.by}: {found.why}"
        say(command, value, text, as_json=as_json)
