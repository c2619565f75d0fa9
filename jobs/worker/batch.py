"""The records of one claim, while they are worked on."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from idempotency.claims import Claimed

if TYPE_CHECKING:
    from jobs.worker.ready import Ready


class Batch:
    """Hands out its jobs one by one; the lease keeper may take the unstarted ones away at any moment."""

    def __init__(self, claimed: Sequence[Claimed], ready: "Sequence[Ready | None]" = ()) -> None:
        self._waiting = deque(zip_longest(claimed, ready))
        self._lock = threading.Lock()
        self.size = len(self._waiting)
        self.claimed_at = self.renewed_at = time.monotonic()
        self.current_since = 0.0
        self._unsettled = {c.id: c for c in claimed}

    def jobs(self) -> "Iterator[tuple[Claimed, Ready | None]]":
        """Each with what was made ready for it, where that is known."""
        while self._waiting:
            with self._lock:
                if not self._waiting:
                    return
                current = self._waiting.popleft()
                self.current_since = time.monotonic()
            yield current

    def take_unstarted(self) -> list[Claimed]:
        """The jobs nobody has begun; from now on nobody of this claim will."""
        with self._lock:
            taken = [claimed for claimed, _ in self._waiting]
            self._waiting.clear()
            for claimed in taken:
                del self._unsettled[claimed.id]
            return taken

    def settled(self, ids: Iterable[object]) -> None:
        with self._lock:
            for id_ in ids:
                self._unsettled.pop(id_, None)  # type: ignore[call-overload]

    def held(self) -> list[Claimed]:
        """What the lease must still cover."""
        with self._lock:
            return list(self._unsettled.values())

    def has_unstarted(self) -> bool:
        return bool(self._waiting)
