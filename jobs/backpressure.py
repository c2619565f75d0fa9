"""For those who enqueue much: ask for room before the work, and wait for it between chunks."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from django.db import connection

from idempotency.errors import EnqueueError
from jobs import conf, room
from jobs.errors import UnknownQueueError

T = TypeVar("T")

CHUNK = 1000  # payloads at once: one statement of `enqueue_many`
POLL = 0.2  # seconds between two looks of somebody who waits: a queue that drains makes room for hundreds meanwhile


@contextmanager
def room_for(queue: str, count: int, *, timeout: timedelta = timedelta(0)) -> Iterator[None]:
    """Make sure of room for `count` jobs before work begins that would be in vain without it.

        with room_for("bulk-import", 500):
            rows = parse(file)  # expensive
            ImportRow.enqueue_many(rows)  # up to 500: not refused any more

    Inside, this thread enqueues up to `count` jobs into the queue without being refused. The room is not taken from
    other processes before the jobs are committed. Works inside a running job too, which is never refused otherwise.

    Args:
        queue: one of `JOBS_QUEUES`; without a bound it always has room.
        count: of jobs.
        timeout: how long to wait for room; by default not at all.

    Raises:
        QueueFull: there was no room in time.
    """
    _wait_for_room(queue, count, timeout)
    with room.promised(queue, count):
        yield


def in_chunks(queue: str, payloads: Iterable[T], *, timeout: timedelta, size: int = CHUNK) -> Iterator[list[T]]:
    """The payloads in lists of up to `size`, each as soon as the queue has room for it.

        for chunk in in_chunks("bulk-import", rows, timeout=timedelta(hours=1)):
            ImportRow.enqueue_many(chunk)

    Memory stays flat however many there are: one chunk is held at a time. Each is a transaction of its own; a caller
    that dies in between and begins again gets the records that are there already, where the task has a `dedupe_key`.

    Args:
        queue: one of `JOBS_QUEUES`, where the jobs go.
        payloads: read as they are needed.
        timeout: how long one chunk may wait for room.
        size: of a chunk; at most half of the queue's bound is taken at once.

    Raises:
        QueueFull: a chunk waited longer than `timeout`. The chunks before it are enqueued.
        EnqueueError: it would have to wait inside a transaction, whose own jobs nobody can take meanwhile.
    """
    _check_declared(queue)
    bound = conf.bound(queue)
    size = size if bound is None else max(1, min(size, bound // 2))
    rest = iter(payloads)
    while chunk := list(islice(rest, size)):
        with room_for(queue, len(chunk), timeout=timeout):
            yield chunk


def _wait_for_room(queue: str, count: int, timeout: timedelta) -> None:
    _check_declared(queue)
    ends = time.monotonic() + timeout.total_seconds()
    while look := room.take(queue, count):
        left = ends - time.monotonic()
        if left <= 0 or count > look.bound:
            raise room.full(queue, count, look)
        if connection.in_atomic_block:
            raise EnqueueError(
                f"Queue {queue} has no room for {count:,} jobs, and waiting inside a transaction holds its locks and "
                "keeps its own jobs from being worked off. Leave the atomic block first."
            )
        time.sleep(min(left, POLL))


def _check_declared(queue: str) -> None:
    if queue not in conf.queues():
        raise UnknownQueueError(f"Queue {queue!r} is not in JOBS_QUEUES ({', '.join(sorted(conf.queues()))}).")
