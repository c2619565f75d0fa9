"""An error, as it is kept: cut to size, free of secrets and of what PostgreSQL cannot store."""

import json
import traceback
from collections.abc import Iterable, Iterator
from datetime import datetime
from html import escape
from urllib.parse import quote, quote_plus

from idempotency.claims import Problem

MAX_MESSAGE = 2_000  # characters
MAX_TRACEBACK = 16_000  # characters; the end is kept, because that is where it happened
STARS = "********"


def describe(error: BaseException, started_at: datetime, secrets: Iterable[object] = ()) -> Problem:
    """Never fails, whatever the error object does when it is printed."""
    hidden = texts(secrets)
    return Problem(
        type(error).__name__,
        _clean(_text(error), hidden)[:MAX_MESSAGE],
        _clean(_trace(error), hidden)[-MAX_TRACEBACK:],
        started_at,
    )


def hide(text: str, secrets: Iterable[object]) -> str:
    """The text with stars where a secret value stands in it."""
    return _clean(text, texts(secrets))


def cover(text: str, hidden: Iterable[str]) -> str:
    """The same for the texts that `texts` made of the secrets."""
    for secret in hidden:
        text = text.replace(secret, STARS)
    return text


def texts(secrets: Iterable[object]) -> list[str]:
    """All texts by which these values would show, also in code, JSON, HTML and addresses; the longest first."""
    plain = {text for s in secrets for text in _texts(s)}
    written = plain | {write(text) for text in plain for write in (_python, _quoted, escape, quote, quote_plus)}
    return sorted(written | {_json(text) for text in written}, key=len, reverse=True)


def _python(text: str) -> str:
    return repr(text)[1:-1]


def _quoted(text: str) -> str:
    """As Python writes it where it is a part of a text that holds both kinds of quotes."""
    both = "'\""
    return repr(both + text)[len(repr(both)) - 1 : -1]


def _json(text: str) -> str:
    return json.dumps(text)[1:-1]


def _texts(secret: object) -> Iterator[str]:
    """The texts of a value itself; True and None are no secrets."""
    match secret:
        case None | bool() | "":
            return
        case dict():
            for value in secret.values():
                yield from _texts(value)
        case list():
            for value in secret:
                yield from _texts(value)
        case _:
            yield str(secret)


def _text(error: BaseException) -> str:
    try:
        return "\n".join([str(error), *getattr(error, "__notes__", ())])  # a note is what the raiser wants us to read
    except Exception as second:  # noqa: BLE001 - a broken __str__ must not hide the error
        return f"(its text cannot be had: {type(second).__name__})"


def _trace(error: BaseException) -> str:
    try:
        return "".join(traceback.format_exception(error, limit=-50))
    except Exception:  # noqa: BLE001 - as above
        return ""


def _clean(text: str, hidden: list[str]) -> str:
    return cover(text, hidden).replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()
