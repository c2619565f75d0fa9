"""What worker processes measure: added up where it happens, handed to the parent, and from there to the database.

A child writes into a pipe that its parent made before the fork, when a hint is done. So a job costs a
microsecond or two, no process listens anywhere, and the database knows of all workers, those that are gone too.
Lost is what a child has measured in its last hint when it is killed, a second, and of a parent five seconds.
"""

import json
import marshal
import os
import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from idempotency.statements import Connection
from jobs.metrics.catalogue import metric

ATOMIC = 4096  # bytes: what a pipe takes in one piece from several writers
PIECE = 65536
SIZE = struct.Struct("<I")  # of the entry that follows it, in bytes

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
# Of messages without a record a day is asked for.
FORGET = """
DELETE FROM jobs_measure WHERE minute > 'epoch' AND minute < statement_timestamp()
    - CASE metric WHEN 'jobs_unrecorded_messages_total' THEN interval '1 day' ELSE interval '2 hours' END
"""

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
        self.observe_all(name, (value,), *labels)

    def observe_all(self, name: str, values: Collection[float], *labels: str) -> None:
        """Add many values of one series: half of what they cost one by one."""
        bounds = metric(name).buckets
        entry = self._entry((name, labels), len(bounds) + 1)
        entry.count += len(values)
        entry.total += sum(values)
        buckets = entry.buckets
        for value in values:
            buckets[bisect_left(bounds, value)] += 1

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
    for piece, told in _pieces(here.take()):
        try:
            os.write(_pipe[1], piece)
        except OSError:
            _put_back(told)


def _pieces(entries: dict[Key, Sum]) -> Iterator[tuple[bytes, dict[Key, Sum]]]:
    """As few as can be, each of whole entries that it tells."""
    piece, told = b"", dict[Key, Sum]()
    for (name, labels), entry in entries.items():
        data = marshal.dumps((name, labels, entry.count, entry.total, entry.buckets))  # a fifth of what JSON takes
        if told and len(piece) + SIZE.size + len(data) > ATOMIC:
            yield piece, told
            piece, told = b"", {}
        if SIZE.size + len(data) <= ATOMIC:
            piece += SIZE.pack(len(data)) + data
            told[name, labels] = entry
    if told:
        yield piece, told


def _put_back(entries: dict[Key, Sum]) -> None:
    for (name, labels), entry in entries.items():
        here.merge(name, labels, entry.count, entry.total, entry.buckets)


class Inbox:
    """In the parent: what its children have handed over."""

    def __init__(self) -> None:
        self.sums = Sums()
        self._rest = b""

    def read(self) -> None:
        """Take everything out of the pipe."""
        while _pipe is not None and (piece := _read(_pipe[0])):
            self._rest += piece
            for name, labels, count, total, buckets in self._entries():
                self.sums.merge(name, labels, count, total, buckets)

    def _entries(self) -> Iterator[Any]:
        """Those that have arrived whole."""
        rest, at = self._rest, 0
        while at + SIZE.size <= len(rest) and (end := at + SIZE.size + SIZE.unpack_from(rest, at)[0]) <= len(rest):
            yield marshal.loads(rest[at + SIZE.size : end])  # noqa: S302 - of this program's own children
            at = end
        self._rest = rest[at:]

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
        _put_back(taken.entries)
        raise


def forget(connection: Connection) -> None:
    """Delete the minutes that nobody looks at any more."""
    with connection.cursor() as cursor:
        cursor.execute(FORGET)


def _read(end: int) -> bytes:
    with suppress(BlockingIOError):
        return os.read(end, PIECE)
    return b""
