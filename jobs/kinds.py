"""Errors by the names of their classes, because most clients whose errors we know are no dependency of ours."""

import errno
from collections.abc import Iterator

from jobs.verdicts import Permanent, Transient, Verdict

Kind = tuple[
    str, str
]  # package and class, as in ("httpx", "ReadTimeout"); the module between them is nobody's business

THEIRS, OURS = Transient(by_vendor=True), Transient()
VERDICTS: dict[Kind, Verdict] = {
    ("builtins", "ConnectionError"): THEIRS,
    ("builtins", "TimeoutError"): THEIRS,
    ("socket", "gaierror"): THEIRS,
    ("socket", "herror"): THEIRS,
    ("ssl", "SSLError"): THEIRS,  # also an expired certificate: nobody can call until they renew it
    ("http", "HTTPException"): THEIRS,
    ("http", "InvalidURL"): OURS,
    ("http", "ImproperConnectionState"): OURS,
    ("urllib", "URLError"): THEIRS,
    ("httpx", "RequestError"): THEIRS,
    # A wrong address is the settings' far more often than the payload's: to fail for good would take the whole backlog.
    ("httpx", "UnsupportedProtocol"): OURS,
    ("httpx", "LocalProtocolError"): OURS,
    ("httpx", "PoolTimeout"): OURS,  # of our own connections
    ("requests", "ChunkedEncodingError"): THEIRS,
    ("requests", "ConnectionError"): THEIRS,
    ("requests", "ContentDecodingError"): THEIRS,
    ("requests", "RetryError"): THEIRS,
    ("requests", "Timeout"): THEIRS,
    ("requests", "TooManyRedirects"): THEIRS,
    ("urllib3", "DecodeError"): THEIRS,
    ("urllib3", "MaxRetryError"): THEIRS,
    ("urllib3", "NewConnectionError"): THEIRS,
    ("urllib3", "ProtocolError"): THEIRS,
    ("urllib3", "ProxyError"): THEIRS,
    ("urllib3", "SSLError"): THEIRS,
    ("urllib3", "TimeoutError"): THEIRS,
    ("aiohttp", "ClientConnectionError"): THEIRS,
    ("aiohttp", "ClientPayloadError"): THEIRS,
    # A body that reaches its soft limit has nearly always waited for somebody without a time-out of its own.
    ("billiard", "SoftTimeLimitExceeded"): THEIRS,
    # The value does not fit its column, whatever the time: the database's 422. All its other errors may pass. So may an
    # IntegrityError: of two that raced for a unique value the loser finds the winner's row next time, and a row that a
    # foreign key misses may be about to be committed.
    ("django", "DataError"): Permanent(),
    ("psycopg", "DataError"): Permanent(),
}
UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})


def by_kind(error: BaseException) -> Verdict | None:
    """The verdict on the most specific class that is known; None where none is."""
    if isinstance(error, OSError) and error.errno in UNREACHABLE:
        return THEIRS
    return next((VERDICTS[kind] for kind in kinds(error) if kind in VERDICTS), None)


def is_a(error: object, *wanted: Kind) -> bool:
    return any(kind in wanted for kind in kinds(error))


def kinds(error: object) -> Iterator[Kind]:
    """Its class and those above it, the most specific first."""
    return ((kind.__module__.partition(".")[0], kind.__name__) for kind in type(error).__mro__)
