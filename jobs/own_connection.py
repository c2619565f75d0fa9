"""The worker's own way to the database, which outlasts the database's absence."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg

from idempotency.connection import connect
from idempotency.errors import LeaseLost
from idempotency.under_way import UnderWay
from jobs import conf, log_events

logger = logging.getLogger(__name__)

T = TypeVar("T")
YOUNG = 10.0  # seconds; longer than the longest wait, so that after an outage everybody has been back before it is over
FIRST_WAIT, LONGEST_WAIT = 0.1, 5.0  # seconds between two tries to reach the database, before jitter


class OwnConnection:
    """One psycopg connection of one thread, opened when first needed and again after it broke."""

    def __init__(self, application_name: str) -> None:
        self._name = application_name
        self._connection: psycopg.Connection[tuple[Any, ...]] | None = None
        self._under_way: UnderWay | None = None
        self._since = 0.0

    def is_young(self) -> bool:
        """Whether it has been opened a moment ago, or is not open: the database may just have crashed."""
        return self._connection is None or self._connection.closed or time.monotonic() - self._since < YOUNG

    def once(self, work: Callable[[Any], T]) -> T:
        """Do `work` with the connection; raises psycopg.OperationalError when the database is away."""
        if self._connection is None or self._connection.closed:
            self._connection, self._under_way, self._since = connect(self._name), None, time.monotonic()
        if self._under_way is not None:
            self._under_way.wait()  # whoever sent it reads it later
            self._under_way = None
        try:
            return work(self._connection)
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self.close()
            raise

    def send(self, work: Callable[[Any], UnderWay]) -> UnderWay:
        """Send a statement and go on; the next use of the connection waits for it."""
        self._under_way = under_way = self.once(work)
        return under_way

    def insist(self, work: Callable[[Any], T]) -> T:
        """Do `work`, again and again while the database is away, for as long as a lease can last.

        Raises:
            LeaseLost: it came back too late, so that whatever is held belongs to somebody else by now.
        """
        ends = time.monotonic() + conf.lease().total_seconds()
        for wait in backoff():
            try:
                return self.once(work)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                logger.warning(
                    "the database is away, trying again in %.1f s: %s", wait, error, extra=log_events.DATABASE_AWAY
                )
                if time.monotonic() > ends:
                    raise LeaseLost(f"the database was away until the lease ran out: {error}") from error
                time.sleep(wait)
        raise AssertionError("backoff() never ends")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def backoff() -> Iterator[float]:
    """Waits in seconds, for ever: doubling up to the longest, with jitter, so that a fleet does not return at once."""
    ceiling = FIRST_WAIT
    while True:
        yield random.uniform(ceiling / 2, ceiling)  # noqa: S311 - no secret
        ceiling = min(ceiling * 2, LONGEST_WAIT)
