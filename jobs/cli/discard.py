from argparse import ArgumentParser
from getpass import getuser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand

from idempotency.claims import Seen
from jobs.cli import choosing
from jobs.cli.printing import say
from jobs.cli.telling import tell_answers
from jobs.review import decisions
from jobs.review.decisions import Answer

help = "take given-up jobs off the list of what waits for a person; nothing runs, and they can be replayed later"
SLICE = 500  # jobs in one transaction


def add_arguments(parser: ArgumentParser) -> None:
    choosing.add_choice(parser)


def handle(command: BaseCommand, *, json: bool, dry_run: bool, reason: str | None, **options: Any) -> None:
    scope = choosing.chosen(options | {"dry_run": dry_run, "reason": reason})
    if scope is None:
        seen = choosing.seen(options["ids"])
    else:
        seen = [Seen(id_, token) for id_, token in scope.records().order_by("id").values_list("id", "fencing_token")]
    if dry_run:
        say(command, {"dry_run": True, "jobs": len(seen)}, f"{len(seen)} jobs would be discarded", as_json=json)
        return
    answers = _discard(seen, why=str(reason))
    if scope is None:
        tell_answers(command, answers, as_json=json)
        return
    left = {id_: answer for id_, answer in answers.items() if not answer.done}
    done = len(answers) - len(left)
    say(command, {"discarded": done, "left_alone": len(left)}, f"{done} jobs discarded", as_json=json)
    tell_answers(command, left, as_json=json)


def _discard(seen: list[Seen], *, why: str) -> dict[UUID, Answer]:
    answers: dict[UUID, Answer] = {}
    for start in range(0, len(seen), SLICE):
        answers |= decisions.discard(seen[start : start + SLICE], by=getuser(), why=why)
    return answers
