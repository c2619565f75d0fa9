from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.needing import need_schedules
from jobs.cli.printing import say
from jobs.task import registered

help = "bring the schedules declared in code to the tables; what people edited there stays, unless it is forced"
SAID = {
    "created": "is new",
    "updated": "is changed",
    "edited": "was edited by somebody and stays as it is",
    "removed": "is declared no more and is disabled",
    "unchanged": "is as declared",
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show the difference, and change nothing")
    parser.add_argument("--force", action="store_true", help="overwrite what people edited as well")


def handle(command: BaseCommand, *, json: bool, dry_run: bool, force: bool, **_: Any) -> None:
    need_schedules()
    from jobs.schedules.syncing import sync

    changes = [_masked(asdict(change)) for change in sync(dry_run=dry_run, force=force)]
    text = "\n".join(map(_text, changes)) or "No schedule is declared in code."
    if dry_run:
        text += "\nNothing was changed: this was a dry run."
    say(command, {"dry_run": dry_run, "changes": changes}, text, as_json=json)


def _masked(change: dict[str, Any]) -> dict[str, Any]:
    """Sensitive parameters as stars, on both sides."""
    tasks = {n for f in ("fields", "kept") for n in change[f].get("task", ()) if n} | {change.pop("task", None)}
    for part in ("fields", "kept"):
        if "kwargs" in change[part]:
            change[part] = {**change[part], "kwargs": tuple(_stars(v, tasks) for v in change[part]["kwargs"])}
    return change


def _stars(payload: Any, tasks: set[str | None]) -> Any:
    if not isinstance(payload, Mapping):
        return payload
    secret = {
        name for task in registered().values() for name in task.sensitive if not tasks - {None} or task.name in tasks
    }
    return {name: "********" if name in secret else value for name, value in payload.items()}


def _text(change: dict[str, Any]) -> str:
    lines = [f"{change['name']} {SAID[change['kind']]}"]
    if change["kind"] != "created":
        lines += [f"  {name}: {old!r} → {new!r}" for name, (old, new) in change["fields"].items()]
    lines += [f"  kept {name}: {old!r}, in code {new!r} (--force overwrites it)"
              for name, (old, new) in change["kept"].items()]  # fmt: skip
    return "\n".join(lines)
