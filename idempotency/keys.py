"""Digests: 16 bytes, kept as uuid because PostgreSQL indexes that type in the least space."""

import unicodedata
from collections.abc import Iterable
from hashlib import blake2b
from uuid import UUID
from zlib import crc32

from idempotency.errors import KeyPartError

ACCOUNT_HASHES = (-(2**31), 2**31)  # PostgreSQL's integer
MAX_PART = 1024  # bytes; longer names are mistakes (a whole document passed as its own key)


def dedupe_key(task: str, parts: Iterable[tuple[str, object]]) -> UUID:
    """Digest of the task's name and its key parts, given as (parameter, value), as the column has it."""
    return UUID(hex=dedupe_digits(task, parts))


def dedupe_digits(task: str, parts: Iterable[tuple[str, object]]) -> str:
    """The same digest as 32 hexadecimal digits.

    Each part is prefixed with its type and length, so that ("a:b", "c") and ("a", "b:c"), or 1 and "1", never meet.

    Raises:
        KeyPartError: a value is not a non-empty string without outer blanks, an int or a UUID.
    """
    encoded = [_framed("t", task.encode())]
    encoded += [_encoded_part(task, name, value) for name, value in parts]
    return digits(b"".join(encoded))


def digest(data: bytes) -> UUID:
    return UUID(hex=digits(data))


def digits(data: bytes) -> str:
    """A digest as 32 hexadecimal digits: an object for each would cost more than the digest."""
    return blake2b(data, digest_size=16).hexdigest()


def _framed(kind: str, data: bytes) -> bytes:
    return f"{kind}{len(data)}:".encode() + data


def _encoded_part(task: str, name: str, value: object) -> bytes:
    if isinstance(value, bool) or not isinstance(value, (str, int, UUID)):
        raise KeyPartError(
            f"{task}: key part {name!r} is {_described(value)}; a key part must be a str, an int or a UUID. "
            f"Pass the value that names the work, or take {name!r} out of dedupe_key."
        )
    if isinstance(value, int):
        return _framed("i", str(value).encode())
    return _framed("s", _checked_text(task, name, str(value)))


def _described(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _checked_text(task: str, name: str, value: str) -> bytes:
    text = unicodedata.normalize("NFC", value)  # one name, however it was typed
    if not text or text != text.strip():
        raise KeyPartError(f"{task}: key part {name!r} is {value!r}: empty or with outer blanks. Strip it first.")
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > MAX_PART:
        raise KeyPartError(f"{task}: key part {name!r} has {len(data)} bytes; at most {MAX_PART} name a thing.")
    return data


def account_hash(account: str) -> int:
    """Where an account stands among those that take turns. Two with the same hash share a turn, which hurts nobody."""
    unsigned = crc32(account.encode())
    return unsigned - 2**32 if unsigned >= 2**31 else unsigned
