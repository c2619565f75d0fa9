"""Whether a queue has room for more jobs: its bound, `JOBS_QUEUES[…]["bound"]`.

Counting a backlog costs more than enqueueing a job, so a process counts rarely. One look gives it half of the free room
to enqueue into without looking again, for a second, or for twenty times what the look took where that is longer. While
there is little room a look lasts less long, and what does not fit into what it found is refused without another one.

**How far a bound can be exceeded.** Beyond it go, for each process that enqueues, at most half of the room that its
last look found, or the jobs of its last call where these are more. Nor does anybody see what other transactions have
not committed yet; each of these can be as large as the room it found. What running jobs enqueue is never refused, see
`enqueueing`, nor is what comes again: retries, replays. A queue that holds is exceeded in the same way, and each relay
may let in as many as there was room for.
"""

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.signals import setting_changed
from django.db import connection

from idempotency import reads
from jobs import conf
from jobs.errors import QueueFull

SPAN = 1.0  # seconds that a look holds: as long as the jobs of a claim take
SHARE = 20  # … and this many times what it took, so that looking takes a twentieth of a process's time at the most
CHEAP = 0.005  # seconds; a look that took less is made again before a caller is refused
BEYOND = 10  # a backlog is counted up to a tenth beyond the bound: a person wants to see by how much it is exceeded
SOONEST, LATEST = 1, 300  # seconds that a refused caller is told to wait: a guess, so neither at once nor for ever
IDLE = 30  # … where nobody works on the queue, so that nothing tells when there will be room


@dataclass(slots=True)
class Look:
    """What one look found, less what this process has enqueued since. Times are `time.monotonic()`."""

    bound: int
    backlog: int
    room: int  # to the bound, as far as this process knows
    allowed: int  # of it, without another look
    holds_until: float
    refuses_until: float

    def grants(self, asked: int) -> bool:
        return asked <= self.allowed and time.monotonic() < self.holds_until

    def refuses(self, asked: int) -> bool:
        return asked > self.room and time.monotonic() < self.refuses_until

    def take(self, asked: int, allowed: int) -> None:
        self.backlog += asked
        self.room -= asked
        self.allowed = allowed


_lock = threading.Lock()
_looks: dict[str, Look] = {}


@dataclass(slots=True)
class Promise:
    """Room that this thread was granted beforehand."""

    queue: str
    left: int


class _Promises(threading.local):
    def __init__(self) -> None:
        self.kept: list[Promise] = []


_promises = _Promises()


def take(queue: str, asked: int) -> Look | None:
    """Take room for `asked` jobs; None where there was enough, else what stands against it.

    Most calls cost a microsecond; one that looks costs one statement on Django's connection, in its transaction.
    """
    bound = conf.bound(queue)
    if bound is None or asked == 0 or _was_promised(queue, asked):
        return None
    with _lock:
        known = _looks.get(queue)
        if known and known.bound == bound:
            if known.grants(asked):
                known.take(asked, known.allowed - asked)
                return None
            if known.refuses(asked):
                return known
    return _take_after_look(_look(queue, bound), queue, asked)


def full(queue: str, asked: int, look: Look) -> QueueFull:
    """The error for a caller, with a guess at how long he should wait."""
    if asked > look.bound:
        return QueueFull(queue, look.bound, look.backlog, asked, None)
    rate = reads.drain_rate(connection, queue)
    seconds = (look.backlog + asked - look.bound) / rate if rate else IDLE
    return QueueFull(queue, look.bound, look.backlog, asked, min(max(SOONEST, math.ceil(seconds)), LATEST))


@contextmanager
def promised(queue: str, count: int) -> Iterator[None]:
    """Inside, this thread enqueues up to `count` jobs without being refused; `take` them first."""
    promise = Promise(queue, count)
    _promises.kept.append(promise)
    try:
        yield
    finally:
        promise.left = 0  # and not taken from the list: a generator may be closed by another thread
        _promises.kept = [p for p in _promises.kept if p.left]


def forget(**_: Any) -> None:
    """Look anew before the next job."""
    _looks.clear()


def _begin_anew() -> None:
    """What was granted was granted to the parent."""
    global _lock
    _lock = threading.Lock()  # another thread may have held it
    _looks.clear()
    _promises.kept = []


setting_changed.connect(forget)
os.register_at_fork(after_in_child=_begin_anew)


def _was_promised(queue: str, asked: int) -> bool:
    for promise in _promises.kept:
        if promise.queue == queue and promise.left >= asked:
            promise.left -= asked
            return True
    return False


def _look(queue: str, bound: int) -> Look:
    began = time.monotonic()
    waiting, held = reads.waiting(connection, queue, cap=bound + bound // BEYOND + 1)
    backlog = waiting + held  # who comes later must not overtake those that are held
    ended = time.monotonic()
    room, took = max(0, bound - backlog), ended - began
    rest = SHARE * took if took > CHEAP else 0.0
    return Look(bound, backlog, room, room // 2, ended + max(SPAN, SHARE * took), ended + rest)


def _take_after_look(look: Look, queue: str, asked: int) -> Look | None:
    with _lock:
        _looks[queue] = look
        if asked > look.room:
            return look
        look.take(asked, (look.room - asked) // 2)
        return None
