"""What may be a payload or a result: JSON that PostgreSQL gives back as it was, and nothing that only looks like it."""

import json
import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from idempotency.errors import PayloadError, PayloadTooLargeError
from idempotency.keys import digits

MAX_DEPTH = 32  # levels; deeper documents are loops or attacks
MAX_INT_BITS = 14_000  # about 4,200 digits: Python refuses to print longer ones
SHORT = 4_000  # characters of JSON: no integer in it is too long
PLAIN = frozenset({str, int, float, bool, type(None)})  # what JSON gives back as it was
NAMES = frozenset({str})
DELETE = "\x7f"  # the one character of ASCII that `ensure_ascii` escapes

# Made once: `json.dumps` makes a new encoder per call when it is told anything.
_encode = json.JSONEncoder(sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(sort_keys=True, allow_nan=False, separators=(",", ":")).encode


def dumps(value: object, *, limit: int, what: str = "payload") -> str:
    """JSON text of `value`, checked; names in one order, whatever theirs.

    What is flat is first written and then checked, which costs a third.

    Args:
        value: str, int, float, bool, None, and lists and dicts of them.
        limit: bytes.
        what: the word for it in errors.

    Raises:
        PayloadError: names the path of what JSON or PostgreSQL cannot keep.
        PayloadTooLargeError: more than `limit` bytes.
    """
    return _written(value, limit, what)[0]


def document(value: dict[str, Any], *, limit: int) -> tuple[str, dict[str, Any]]:
    """The text of a payload, and the payload as it will be read. Raises what `dumps` raises."""
    text, flat = _written(value, limit, "payload")
    return text, value if flat else json.loads(text)


def _written(value: object, limit: int, what: str) -> tuple[str, bool]:
    """The text, and whether the value is flat."""
    flat = _is_flat(value)
    if not flat:
        _check(value, what, 0)
    try:
        text = _encode(value)
        size = len(text) if text.isascii() else len(text.encode())
    except ValueError:
        _check(value, what, 0)  # raises, and says what and where
        raise
    if len(text) > SHORT or "\\u0000" in text:
        _check(value, what, 0)
    if size > limit:
        raise PayloadTooLargeError(
            f"{what} has {size:,} bytes, over JOBS_MAX_PAYLOAD ({limit:,}). Store the data and pass its id."
        )
    return text, flat


def _is_flat(value: object) -> bool:
    """Whether it is a document of plain values, which JSON gives back as they were."""
    return type(value) is dict and PLAIN.issuperset(map(type, value.values())) and NAMES.issuperset(map(type, value))


def fingerprint(payload: Mapping[str, object]) -> UUID:
    """Digest of a checked payload, the same whatever the order of its keys."""
    return UUID(hex=fingerprint_digits(payload))


def fingerprint_digits(payload: Mapping[str, object], text: str | None = None) -> str:
    """The same as 32 hexadecimal digits; `text` is the payload's, where `dumps` has just made it."""
    if text is None or not text.isascii() or DELETE in text:
        text = _encode_ascii(payload)
    return digits(text.encode())


def _check(value: object, path: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise PayloadError(f"{path} is nested deeper than {MAX_DEPTH} levels. Flatten it, or store it and pass its id.")
    match value:
        case None | bool():
            return
        case str():
            _check_text(value, path)
        case int():
            if value.bit_length() > MAX_INT_BITS:
                raise PayloadError(f"{path} is an integer of more than 4,200 digits. Pass it as text.")
        case float():
            if not math.isfinite(value):
                raise PayloadError(f"{path} is {value}, which JSON does not have. Pass None or a text instead.")
        case list() | tuple() | dict():
            _check_members(value, path, depth)
        case _:
            raise PayloadError(f"{path} is a {type(value).__name__}, which is not JSON. {_remedy(value)}")


def _check_members(members: list[Any] | tuple[Any, ...] | dict[Any, Any], path: str, depth: int) -> None:
    if not isinstance(members, dict):
        for index, item in enumerate(members):
            _check(item, f"{path}[{index}]", depth + 1)
        return
    for name, item in members.items():
        if not isinstance(name, str):
            raise PayloadError(f"{path} has the key {name!r}; JSON keys are text. Use str({name!r}).")
        _check_text(name, f"a key of {path}")
        _check(item, f"{path}.{name}", depth + 1)


def _check_text(text: str, path: str) -> None:
    if "\x00" in text:
        raise PayloadError(f"{path} contains a NUL character, which PostgreSQL cannot store. Remove it.")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PayloadError(f"{path} contains half a surrogate pair. Decode it with errors='replace' first.") from None


def _remedy(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return "Pass base64 text, or store the bytes and pass their id."
    if hasattr(value, "isoformat"):
        return "Pass value.isoformat()."
    if hasattr(value, "pk"):
        return "Pass its primary key."
    return "Pass text, numbers, lists and dicts of them."
