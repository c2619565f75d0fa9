"""How verbs speak: text for people, or one JSON object a line."""

import json
import re
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand

NUMBER = re.compile(r"-|-?[\d,.]+(e[+-]?\d+)?( \w+)?")  # or nothing known; with a unit or without


def say(command: BaseCommand, value: dict[str, Any], text: str, *, as_json: bool) -> None:
    command.stdout.write(json.dumps(value, default=str) if as_json else text)
    command.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Columns as wide as their widest cell; the first to the left, and of the others words; numbers to the right."""
    cells = [[str(c) for c in row] for row in (head, *rows)]
    columns = [_aligned(column, first=not n) for n, column in enumerate(zip(*cells, strict=True))]
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _aligned(column: Sequence[str], *, first: bool) -> list[str]:
    width = max(map(len, column))
    to_the_right = not first and all(NUMBER.fullmatch(cell) for cell in column[1:])
    return [cell.rjust(width) if to_the_right else cell.ljust(width) for cell in column]
