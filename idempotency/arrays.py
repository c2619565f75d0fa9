"""PostgreSQL's arrays as text: for a thousand records psycopg's way, which suits any type, costs more than the rest."""

from collections.abc import Iterable

SEPARATOR = "\x01"  # JSON text holds no control character: it escapes them


def of_digits(values: Iterable[str | None]) -> str:
    """Of uuids, given as hexadecimal digits."""
    return f"{{{','.join('NULL' if value is None else value for value in values)}}}"


def of_numbers(values: Iterable[int]) -> str:
    return f"{{{','.join(map(str, values))}}}"


def of_texts(values: Iterable[str]) -> str:
    return f"{{{','.join(map(_quoted, values))}}}"


def of_documents(values: Iterable[str]) -> str:
    """Of JSON texts; escaped as one, which costs a tenth of one by one."""
    escaped = SEPARATOR.join(values).replace("\\", "\\\\").replace('"', '\\"')
    return '{"' + escaped.replace(SEPARATOR, '","') + '"}'


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
