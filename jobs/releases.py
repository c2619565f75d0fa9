"""The relay's part in a queue that holds jobs back: it lets the oldest in as room comes."""

import time
from collections.abc import Sequence

from idempotency import reads, transitions
from jobs import conf
from jobs.own_connection import OwnConnection
from jobs.room import SHARE


class Releases:
    """What one relay remembers: when to look again, so that counting a long backlog takes a twentieth of its time."""

    def __init__(self) -> None:
        self._rests_until: dict[str, float] = {}

    def due(self, own: OwnConnection, queues: Sequence[str]) -> int:
        """Release what fits, of every queue that holds jobs, also where its settings have changed; returns how many."""
        holding = own.once(lambda c: reads.holding(c, queues))
        return sum(self._release(own, queue) for queue in holding if self._may_look(queue))

    def _may_look(self, queue: str) -> bool:
        return time.monotonic() >= self._rests_until.get(queue, 0.0)

    def _release(self, own: OwnConnection, queue: str) -> int:
        began = time.monotonic()
        released = own.once(lambda c: transitions.release(c, queue, bound=conf.bound(queue)))
        ended = time.monotonic()
        if not released:  # it has only counted
            self._rests_until[queue] = ended + SHARE * (ended - began)
        return released
