from argparse import ArgumentParser
from getpass import getuser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from idempotency.models import Record
from idempotency.states import REVIEWABLE
from jobs.cli import choosing
from jobs.cli.printing import say
from jobs.cli.telling import follow, tell_answers, tell_bulk, tell_groups
from jobs.models import BulkReplay
from jobs.review import bulk, decisions
from jobs.review.bulk import BulkError, Pace
from jobs.review.decisions import Answer
from jobs.review.outlook import look, outlook
from jobs.review.scope import Scope

help = "queue given-up jobs again: some by id, or with --all what a filter chooses, a canary first and then at a pace"


def add_arguments(parser: ArgumentParser) -> None:
    choosing.add_choice(parser)
    pace = Pace()
    many = parser.add_argument_group("with --all")
    many.add_argument("--rate", type=float, default=pace.rate, help=f"jobs a second ({pace.rate:g})")
    many.add_argument("--canary", type=int, default=pace.canary, help=f"jobs that go first, alone ({pace.canary})")
    many.add_argument("--stop-share", type=float, default=pace.stop_share,
                      help=f"share of ended jobs that may be given up again ({pace.stop_share:g})")  # fmt: skip
    many.add_argument("--include-red", action="store_true", help="replay also what is likely wrong")
    many.add_argument("--no-wait", action="store_true", help="start it and end; `jobs bulk` shows how it goes")


def handle(command: BaseCommand, *, json: bool, **options: Any) -> None:
    scope = choosing.chosen(options)
    if scope is not None:
        _many(command, scope, options, as_json=json)
    elif options["dry_run"]:
        tell_answers(command, {r.id: _outlook(r) for r in _records(options["ids"])}, as_json=json)
    else:
        seen = choosing.seen(options["ids"])
        tell_answers(command, decisions.replay(seen, by=getuser(), why=options["reason"]), as_json=json)


def _many(command: BaseCommand, scope: Scope, options: dict[str, Any], *, as_json: bool) -> None:
    if options["dry_run"]:
        tell_groups(command, bulk.groups(scope.records()), as_json=as_json)
        return
    try:
        pace = Pace(rate=options["rate"], canary=options["canary"], stop_share=options["stop_share"])
        found = bulk.draft(scope, by=getuser())
    except BulkError as error:
        raise CommandError(str(error)) from None
    answer = bulk.start(found, pace, by=getuser(), why=options["reason"], red=options["include_red"])
    found.refresh_from_db()
    if found.state == BulkReplay.State.AWAITING_APPROVAL:
        text = f"{found}: {answer.sentence}: manage.py jobs bulk {found.pk} --approve --reason …"
        say(command, {"bulk": found.pk, "state": found.state, "why": answer.sentence}, text, as_json=as_json)
    elif options["no_wait"]:
        tell_bulk(command, found, as_json=as_json)
    else:
        follow(command, found, as_json=as_json)


def _records(ids: list[Any]) -> list[Record]:
    found = Record.objects.in_bulk(ids)
    if missing := [str(id_) for id_ in ids if id_ not in found]:
        raise CommandError(f"No job {', '.join(missing)}.")
    return list(found.values())


def _outlook(record: Record) -> Answer:
    """What a replay would lead to; left alone is what is not given up."""
    if record.state not in REVIEWABLE:
        return Answer(done=False, sentence=f"it is {record.state}")
    found = outlook(record, look(record))
    return Answer(done=True, sentence=f"{found.colour.word}: {found.sentence}")
