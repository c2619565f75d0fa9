"""What worker processes measure: added up where it happens, handed to the parent, and from there to the database.

A child writes lines into a pipe that its parent made before the fork, when a hint is done. So a job costs a
microsecond or two, no process listens anywhere, and the database knows of all workers, those that are gone too.
Lost is what a child has measured in its last hint when it is killed, a second, and of a parent five seconds.
"""

import json
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from idempotency.statements import Connection
from jobs.metrics.catalogue import metric

ATOMIC = 4096  # bytes: what a pipe takes in one piece from several writers
PIECE = 65536

ADD = """
INSERT INTO jobs_measure AS m (metric, labels, minute, count, total, buckets)
SELECT metric, labels, minute, count, total, buckets
FROM jsonb_to_recordset(%(news)s::jsonb) AS n (metric text, labels text, count bigint, total float8, buckets bigint[]),
    unnest(ARRAY['epoch'::timestamptz, date_trunc('minute', statement_timestamp())]) AS minute
ORDER BY metric, labels, minute  -- always in this order: two workers must not wait for each other
ON CONFLICT (metric, labels, minute) DO UPDATE
SET count = m.count + excluded.count, total = m.total + excluded.total,
    buckets = ARRAY(SELECT a + b FROM unnest(m.buckets, excluded.buckets) AS sums (a, b))
"""
FORGET = "DELETE FROM jobs_measure WHERE minute > 'epoch' AND minute < statement_timestamp() - interval '2 hours'"

Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class Sum:
    """Of one metric with one set of labels."""

    buckets: list[int]
    count: int = 0
    total: float = 0.0

    def add(self, count: int, total: float, buckets: Iterable[int]) -> None:
        self.count += count
        self.total += total
        self.buckets = [a + b for a, b in zip(self.buckets, buckets, strict=True)]


@dataclass(slots=True)
class Sums:
    """What was measured since it was last taken away."""

    entries: dict[Key, Sum] = field(default_factory=dict)

    def observe(self, name: str, value: float, *labels: str) -> None:
        """Add one value; labels in the catalogue's order."""
        bounds = metric(name).buckets
        entry = self._entry((name, labels), len(bounds) + 1)
        entry.count += 1
        entry.total += value
        entry.buckets[bisect_left(bounds, value)] += 1

    def count(self, name: str, *labels: str, times: int = 1) -> None:
        self.merge(name, labels, times, times, [times])

    def merge(self, name: str, labels: Iterable[str], count: int, total: float, buckets: list[int]) -> None:
        self._entry((name, tuple(labels)), len(buckets)).add(count, total, buckets)

    def take(self) -> dict[Key, Sum]:
        taken, self.entries = self.entries, {}
        return taken

    def _entry(self, key: Key, size: int) -> Sum:
        if (found := self.entries.get(key)) is None:
            found = self.entries[key] = Sum([0] * size)
        return found


here = Sums()
os.register_at_fork(after_in_child=here.take)  # what was measured before a fork is the parent's to tell
_pipe: tuple[int, int] | None = None


def open_pipe() -> None:
    """In the parent, before it forks."""
    global _pipe
    _pipe = os.pipe()
    for end in _pipe:
        os.set_blocking(end, False)


def is_child() -> bool:
    """Whether what this process measures goes to a worker's parent."""
    return _pipe is not None


def hand_over() -> None:
    """In a child: what it has measured goes to the parent; what does not fit waits for the next time."""
    if _pipe is None:
        here.entries.clear()  # nobody would ever read it: no worker
        return
    for (name, labels), entry in here.take().items():
        line = json.dumps([name, labels, entry.count, entry.total, entry.buckets]).encode() + b"\n"
        try:
            os.write(_pipe[1], line[:ATOMIC])
        except OSError:
            here.merge(name, labels, entry.count, entry.total, entry.buckets)


class Inbox:
    """In the parent: what its children have handed over."""

    def __init__(self) -> None:
        self.sums = Sums()
        self._rest = b""

    def read(self) -> None:
        """Take everything out of the pipe."""
        while _pipe is not None and (piece := _read(_pipe[0])):
            *lines, self._rest = (self._rest + piece).split(b"\n")
            for name, labels, count, total, buckets in _parsed(lines):
                self.sums.merge(name, labels, count, total, buckets)

    def write(self, connection: Connection) -> None:
        """Add it to the database; where that fails it stays here."""
        self.read()
        if not self.sums.entries:
            return
        add(connection, self.sums)
        self.sums.take()


def add(connection: Connection, sums: Sums) -> None:
    """Add these sums to what is known, in one statement."""
    news = [{"metric": name, "labels": json.dumps(labels), "count": s.count, "total": s.total, "buckets": s.buckets}
            for (name, labels), s in sums.entries.items()]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ADD, {"news": json.dumps(news)})


def write_here(connection: Connection) -> None:
    """Add what this process has measured itself, where it is no worker's child; where that fails it stays here."""
    if not here.entries:
        return
    taken = Sums(here.take())  # first: other threads measure meanwhile
    try:
        add(connection, taken)
    except BaseException:
        for (name, labels), entry in taken.entries.items():
            here.merge(name, labels, entry.count, entry.total, entry.buckets)
        raise


def forget(connection: Connection) -> None:
    """Delete the minutes that nobody looks at any more."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET)


def _read(end: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(end, PIECE)
    return b""


def _parsed(lines: list[bytes]) -> Iterator[Any]:
    for line in lines:
        with suppress(ValueError):  # of a child that was killed while it wrote
            yield json.loads(line)
