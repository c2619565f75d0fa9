"""The W3C's header of a trace, read without OpenTelemetry: it may be a caller's alone."""

import re
from functools import lru_cache

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})").fullmatch


@lru_cache(256)  # jobs of one call carry the same
def is_left_out(header: str | None) -> bool:
    """Whether it names a trace that the caller's sampler left out."""
    found = _FORM(header or "")
    return found is not None and int(found[3], 16) % 2 == 0


def ids(header: str) -> tuple[str, str] | None:
    """Of the trace and of the span, as hexadecimal digits; None where it cannot be read."""
    found = _FORM(header)
    return None if found is None else (found[1], found[2])
