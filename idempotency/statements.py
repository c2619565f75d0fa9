"""The SQL files, read once; and the one way to run them."""

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

SQL = Path(__file__).parent / "sql"
_decode = json.JSONDecoder().raw_decode  # what PostgreSQL writes has no space around it to look for
PART = re.compile(r"\{\{(\w+)\}\}")


class Connection(Protocol):
    """Django's connection (the caller's transaction) or a psycopg connection of our own: both will do."""

    def cursor(self) -> Any: ...


@cache
def statement(name: str) -> str:
    """Text of `sql/<name>.sql`, with each `{{part}}` put in from `sql/<part>.part.sql`."""
    return fill((SQL / f"{name}.sql").read_text(), SQL)


def fill(text: str, parts: Path) -> str:
    """The text with each `{{part}}` put in from `<part>.part.sql` of that folder."""
    while found := PART.search(text):  # a part may hold parts
        text = text.replace(found[0], (parts / f"{found[1]}.part.sql").read_text().strip())
    return text


def run(connection: Connection, name: str, /, **params: Any) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows (none for one that returns none)."""
    with connection.cursor() as cursor:
        cursor.execute(statement(name), params)
        return cursor.fetchall() if cursor.description else []


def loads(text: str | None) -> Any:
    """A jsonb column's value; both kinds of connection hand it out as text."""
    return None if text is None else _decode(text)[0]


def loads_all(texts: Sequence[str | None]) -> list[Any]:
    """The same of many, as one document: a third of the work where they are small."""
    return loads(f"[{','.join(['null' if text is None else text for text in texts])}]")  # type: ignore[no-any-return]
