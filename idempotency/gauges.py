"""What the gauges of a monitoring system are read from: the records, in a few statements over small indexes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from idempotency.statements import Connection, run

COUNTED = 1_000_000  # records counted in one line of a queue: beyond it the number tells nobody more
TRIED = 20_000  # failed attempts looked at for the oldest job
SUMMED = 10_000  # rows in one go


@dataclass(frozen=True, slots=True)
class Load:
    """One queue. Ages are seconds, 0 where nothing waits."""

    queue: str
    paused: bool
    due: int
    scheduled: int
    held: int
    parked: int
    running: int
    overdue: int
    age_p50: float
    age_p95: float
    age_p99: float
    oldest: float
    late: int


@dataclass(frozen=True, slots=True)
class GivenUp:
    queue: str
    state: str
    reason: str
    last_hour: int
    ever: int


@dataclass(frozen=True, slots=True)
class Open:
    """Given-up records that wait for a person; `oldest` is seconds."""

    queue: str
    state: str
    jobs: int
    oldest: float


def loads(connection: Connection, deadlines: Mapping[str, timedelta | None]) -> list[Load]:
    """One entry per queue. `oldest` is of everything due and not ended: waiting, held, parked, running, tried again.

    `late` are those of `due` that have been for longer than their queue's deadline.
    """
    queues, spans = list(deadlines), list(deadlines.values())
    return [Load(*row) for row in run(connection, "load", queues=queues, deadlines=spans, cap=COUNTED, tried=TRIED)]


def tokens(connection: Connection) -> list[tuple[str, str, int]]:
    """Queue, vendor, and the calls that a claim could take at this moment; only where there is a limit."""
    return [(queue, vendor, calls) for queue, vendor, calls in run(connection, "tokens")]


def given_up(connection: Connection) -> list[GivenUp]:
    return [GivenUp(*row) for row in run(connection, "losses")]


def sum_given_up(connection: Connection) -> None:
    """Keep the table as small as the last two hours. Several may do it at once."""
    run(connection, "sum_given_up", limit=SUMMED)


def unresolved(connection: Connection) -> list[Open]:
    return [Open(*row) for row in run(connection, "open")]


def lost_attempts(connection: Connection) -> int:
    """Within the last quarter of an hour."""
    return int(run(connection, "lost_attempts")[0][0])


def oldest_transaction(connection: Connection) -> float:
    """Seconds. Of other roles' sessions it sees only what pg_monitor may see."""
    return float(run(connection, "oldest_transaction")[0][0])
