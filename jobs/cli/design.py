from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from idempotency.states import ARROWS, Arrow
from jobs.cli.printing import say

help = "print the state machine of a record as the table in DESIGN.md"


def add_arguments(_: ArgumentParser) -> None: ...


def handle(command: BaseCommand, *, json: bool, **_: Any) -> None:
    say(command, {"arrows": [_entry(arrow) for arrow in ARROWS]}, markdown(), as_json=json)


def markdown() -> str:
    """The arrows as a table; DESIGN.md holds it, and a test compares the two."""
    rows = [
        " | ".join(["", *(f"`{v}`" if k != "why" else v for k, v in _entry(a).items()), ""]).strip() for a in ARROWS
    ]
    head = ["| arrow | from | to | because | reasons kept |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(row.replace("``", "-") for row in rows)])


def _entry(arrow: Arrow) -> dict[str, str]:
    return {
        "arrow": arrow.name,
        "from": arrow.source or "",
        "to": arrow.target,
        "why": arrow.why,
        "reasons": ", ".join(sorted(arrow.reasons)),
    }
