"""The demo's profile: production's rules at a pace that a person can watch. It is printed in the report.

Nothing is switched off by it. Waits are shorter, so that a run takes a minute; the vendor misbehaves far more often
than a real one, so that a minute is enough to see everything go wrong.
"""

from datetime import timedelta

RETRY_BASE = timedelta(milliseconds=50)
RETRY_CAP = timedelta(seconds=2)
CLIENT_TIMEOUT = timedelta(milliseconds=300)
LONGEST_RETRY_AFTER = timedelta(seconds=1)
LEASE = timedelta(seconds=5)
# Below the lease, so that a frozen process loses its row locks before its records are given to another.
IDLE_IN_TRANSACTION = timedelta(seconds=4)


def described() -> list[tuple[str, str]]:
    """Return the profile as names and values for people."""
    return [
        ("retry base", shown(RETRY_BASE)),
        ("retry cap", shown(RETRY_CAP)),
        ("client time-out", shown(CLIENT_TIMEOUT)),
        ("Retry-After", f"<= {shown(LONGEST_RETRY_AFTER)}"),
        ("lease", shown(LEASE)),
    ]


def shown(span: timedelta) -> str:
    """Write a time span in milliseconds below a second, in seconds from there."""
    seconds = span.total_seconds()
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"


def milliseconds(span: timedelta) -> int:
    """Return a time span as whole milliseconds."""
    return span // timedelta(milliseconds=1)
