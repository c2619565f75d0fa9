from argparse import ArgumentParser
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from idempotency.models import Record
from jobs.cli.choosing import add_filters, scope_of
from jobs.cli.printing import say
from jobs.review import incidents
from jobs.review.incidents import Incident
from jobs.words import span

help = "what was given up and waits for a person: by cause, or with --list job by job"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--list", action="store_true", help="the jobs themselves, the newest first")
    parser.add_argument("--limit", type=int, default=50, help="of the list (50)")
    add_filters(parser)


def handle(command: BaseCommand, *, json: bool, list: bool, limit: int, **options: Any) -> None:  # noqa: A002 - argparse's name
    scope = scope_of(options)
    if list:
        for record in scope.records().order_by("-finished_at", "-id")[: max(limit, 0)]:
            say(command, _job(record), _job_line(record), as_json=json)
        return
    found = incidents.inbox(scope)
    value = {"jobs": sum(i.count for i in found), "incidents": [_incident(i) for i in found]}
    say(command, value, "\n".join(map(_lines, found)) or "Nothing waits for a person.", as_json=json)


def _job(record: Record) -> dict[str, Any]:
    names = ("id", "task", "queue", "state", "reason", "error", "account", "attempt", "replay_count", "incident")
    return {name: getattr(record, name) for name in names} | {"finished_at": _iso(record.finished_at)}


def _job_line(record: Record) -> str:
    ended = f"{record.state} ({record.reason})"
    return "  ".join([str(record.id), _iso(record.finished_at), record.task, ended, record.error or ""]).rstrip()


def _incident(incident: Incident) -> dict[str, Any]:
    names = ("dead_lettered", "vendor", "owner", "lately")
    times = {"oldest": _iso(incident.oldest), "newest": _iso(incident.newest)}
    return asdict(incident) | {name: getattr(incident, name) for name in names} | times


def _lines(incident: Incident) -> str:
    """Two lines: what it is, and how much of it, with the option that chooses it."""
    error = incident.error.partition("\n")[0] or "no error was kept"
    about = [
        f"{incident.permanent} permanent" if incident.permanent else "",
        f"{incident.doubtful} with an effect in doubt" if incident.doubtful else "",
        f"{incident.accounts} accounts" if incident.accounts else "",
        f"newest {_ago(incident.newest)}, oldest {_ago(incident.oldest)}",
        f"looked after by {incident.assignee}" if incident.assignee else f"owner {incident.owner or 'unknown'}",
        f"--incident {incident.fingerprint}",
    ]
    return f"{incident.count:>7}  {incident.task}  {error}\n         {', '.join(filter(None, about))}"


def _ago(moment: datetime) -> str:
    return f"{span(timezone.now() - moment)} ago"


def _iso(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""
