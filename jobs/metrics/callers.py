"""What callers measure, and what people decide. A web process has no parent to hand it to: it tells the database.

Counting costs a duplicate a microsecond, and any other enqueue a tenth of one. Telling is one statement a minute, after
a commit and on the caller's own connection. A process that ends by itself tells the rest; of one that is killed the
last minute is lost.
"""

import atexit
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

import psycopg
from django.db import connection, transaction

from jobs.metrics import measuring
from jobs.metrics.measuring import here

DUPLICATES, RESOLVED = "jobs_duplicates_suppressed_total", "jobs_dead_letters_resolved_total"
EVERY = 60.0  # seconds

_told = time.monotonic()
_tells_at_end = False


def answered(queue: str, count: int) -> None:
    """So many requests of the caller's transaction are answered by a record that was there already."""
    if count:
        here.count(DUPLICATES, queue, times=count)
        if is_due():
            transaction.on_commit(tell, robust=True)


def decided(how: str, queues: Iterable[str]) -> None:
    """Once it is committed, that a person decided so about given-up jobs of these queues, one entry for each."""
    if jobs := Counter(queues):
        transaction.on_commit(partial(_decided, how, jobs), robust=True)


def _decided(how: str, jobs: Counter[str]) -> None:
    for queue, count in jobs.items():
        here.count(RESOLVED, queue, how, times=count)
    tell()


def is_due() -> bool:
    """Whether it is time to tell: never where a worker's parent does that."""
    if measuring.is_child():
        return False
    if not _tells_at_end:
        _tell_at_end()
    return time.monotonic() - _told >= EVERY


def tell() -> None:
    """Add what was measured; nothing of the caller's may be open any more. Past Django's log of queries: it is ours."""
    global _told
    _told = time.monotonic()  # also where it fails: nobody is to wait for it again and again
    raw = connection.connection
    if raw is not None and not raw.closed and not measuring.is_child():
        with suppress(psycopg.Error):
            measuring.write_here(raw)


def _tell_at_end() -> None:
    global _tells_at_end
    _tells_at_end = True
    atexit.register(tell)
