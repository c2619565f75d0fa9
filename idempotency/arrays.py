"""PostgreSQL's arrays as text: for a thousand records psycopg's way, which suits any type, costs more than the rest."""

from collections.abc import Iterable
from uuid import UUID


def of_uuids(values: Iterable[UUID | None]) -> str:
    return f"{{{','.join('NULL' if value is None else value.hex for value in values)}}}"


def of_numbers(values: Iterable[int]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def of_texts(values: Iterable[str]) -> str:
    return f"{{{','.join(map(_quoted, values))}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
