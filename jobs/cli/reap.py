from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from idempotency import transitions
from idempotency.states import State
from jobs.cli.printing import say

help = "take records whose lease ran out from their dead workers, once"


def add_arguments(_: ArgumentParser) -> None: ...


def handle(command: BaseCommand, *, json: bool, **_: Any) -> None:
    reaped = transitions.reap(connection)
    given_up = sum(state is State.DEAD_LETTERED for state in reaped.values())
    counts = {"queued": len(reaped) - given_up, "dead_lettered": given_up}
    say(command, counts, f"{counts['queued']} queued again, {given_up} dead-lettered", as_json=json)
