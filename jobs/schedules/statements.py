"""The SQL files beside this one, read as `idempotency.statements` reads its own."""

from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

from idempotency.statements import fill

SQL = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    return fill((SQL / f"{name}.sql").read_text(), SQL)


def run(name: str, /, **params: Any) -> list[tuple[Any, ...]]:
    """Run one statement on Django's connection and return its rows (none for one that returns none)."""
    with connection.cursor() as cursor:
        cursor.execute(statement(name), params)
        return cursor.fetchall() if cursor.description else []


def row(name: str, /, **params: Any) -> dict[str, Any] | None:
    """The first row, by the names of its columns."""
    with connection.cursor() as cursor:
        cursor.execute(statement(name), params)
        names, found = [column.name for column in cursor.description], cursor.fetchone()
        return None if found is None else dict(zip(names, found, strict=True))
