"""One statement, one file; the first line says what it does."""

from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

Row = dict[str, Any]


def rows(name: str, **parameters: Any) -> list[Row]:
    """Runs the statement on Django's connection; what it returns, by column name."""
    with connection.cursor() as cursor:
        cursor.execute(_text(name), parameters)
        if not cursor.description:
            return []
        columns = [column.name for column in cursor.description]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
