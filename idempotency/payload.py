"""What may be a payload or a result: JSON that PostgreSQL gives back as it was, and nothing that only looks like it."""

import json
import math
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from idempotency.errors import PayloadError, PayloadTooLargeError
from idempotency.keys import digest

MAX_DEPTH = 32  # levels; deeper documents are loops or attacks
MAX_INT_BITS = 14_000  # about 4,200 digits: Python refuses to print longer ones

# Made once: `json.dumps` makes a new encoder per call when it is told anything.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_sorted = json.JSONEncoder(sort_keys=True, allow_nan=False, separators=(",", ":")).encode


def dumps(value: object, *, limit: int, what: str = "payload") -> str:
    """JSON text of `value`, checked.

    Args:
        value: str, int, float, bool, None, and lists and dicts of them.
        limit: bytes.
        what: the word for it in errors.

    Raises:
        PayloadError: names the path of what JSON or PostgreSQL cannot keep.
        PayloadTooLargeError: more than `limit` bytes.
    """
    _check(value, what, 0)
    text = _encode(value)
    size = len(text.encode())
    if size > limit:
        raise PayloadTooLargeError(
            f"{what} has {size:,} bytes, over JOBS_MAX_PAYLOAD ({limit:,}). Store the data and pass its id."
        )
    return text


def fingerprint(payload: Mapping[str, object]) -> UUID:
    """Digest of a checked payload, the same whatever the order of its keys."""
    return digest(_encode_sorted(payload).encode())


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
