"""Which given-up jobs a verb is about: ids, or the inbox's own filter."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from idempotency.claims import Seen
from idempotency.models import Record
from jobs.cli.arguments import job_id
from jobs.review.scope import Scope, ScopeError

FILTERS = {
    "task": "its name",
    "queue": "its queue",
    "state": "failed_permanent or dead_lettered",
    "job-reason": "why it was given up: permanent, attempts_exhausted, poison, unknown_outcome, cancelled",
    "incident": "as `jobs dead-letters` shows it",
    "account": "whose work it is",
    "error": "a part of the error's text",
    "search": "an id, a key, an account, or the value of a parameter that is not sensitive",
    "since": "given up since then: 2026-12-24T18:00+01:00",
    "until": "given up before then",
}


def add_filters(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("filter")
    for name, help_ in FILTERS.items():
        group.add_argument(f"--{name}", help=help_)


def add_choice(parser: ArgumentParser) -> None:
    """Ids, or a filter and `--all`; with `--reason` and `--dry-run`, as every decision has them."""
    parser.add_argument("ids", nargs="*", type=job_id, metavar="ID", help="jobs, by id")
    parser.add_argument("--all", action="store_true", help="every given-up job that the filter chooses")
    parser.add_argument("--reason", help="kept in the audit trail; required, but for a dry run")
    parser.add_argument("--dry-run", action="store_true", help="say what would happen, and do nothing")
    add_filters(parser)


def scope_of(options: dict[str, Any]) -> Scope:
    given = {name.replace("-", "_"): options.get(name.replace("-", "_")) for name in FILTERS}
    given["reason"] = given.pop("job_reason")
    try:
        return Scope.parse(given)
    except ScopeError as error:
        raise CommandError(str(error)) from None


def chosen(options: dict[str, Any]) -> Scope | None:
    """The filter that was given with `--all`; None where jobs are named by id.

    Raises:
        CommandError: neither or both were given, or there is no reason.
    """
    scope, ids = scope_of(options), options["ids"]
    if ids and (options["all"] or scope.as_dict()):
        raise CommandError("Name ids or a filter, not both.")
    if not ids and not options["all"]:
        raise CommandError(_what_is_missing(scope))
    if not options["dry_run"] and not (options["reason"] or "").strip():
        raise CommandError("--reason is missing: the audit trail keeps it, with your name.")
    return None if ids else scope


def _what_is_missing(scope: Scope) -> str:
    if scope.as_dict():
        return f"The filter chooses {scope.records().count()} jobs: say --all to mean them."
    return "Name job ids, or say --all with a filter. `manage.py jobs dead-letters` shows what there is."


def seen(ids: list[Any]) -> list[Seen]:
    """The jobs as they stand now; one that is not there is answered as gone."""
    tokens = dict(Record.objects.filter(id__in=ids).values_list("id", "fencing_token"))
    return [Seen(id_, tokens.get(id_, -1)) for id_ in dict.fromkeys(ids)]
