"""How verbs speak: text for people, or one JSON object a line."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand


def say(command: BaseCommand, value: dict[str, Any], text: str, *, as_json: bool) -> None:
    command.stdout.write(json.dumps(value, default=str) if as_json else text)
    command.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as their widest cell; the first to the left, numbers to the right."""
    cells = [[str(c) for c in row] for row in (head, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = ["  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
             for row in cells]  # fmt: skip
    return "\n".join(line.rstrip() for line in lines)
