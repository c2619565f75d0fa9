"""The records of one claim, while they are worked on."""

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator

from idempotency.claims import Claimed


class Batch:
    """Hands out its jobs one by one; the lease keeper may take the unstarted ones away at any moment."""

    def __init__(self, claimed: Iterable[Claimed]) -> None:
        self._waiting = deque(claimed)
        self._lock = threading.Lock()
        self.size = len(self._waiting)
        self.claimed_at = self.renewed_at = time.monotonic()
        self.current: Claimed | None = None
        self.current_since = 0.0
        self._unsettled = {c.id: c for c in self._waiting}

    def jobs(self) -> Iterator[Claimed]:
        while (claimed := self._next()) is not None:
            yield claimed

    def _next(self) -> Claimed | None:
        with self._lock:
            self.current = self._waiting.popleft() if self._waiting else None
            self.current_since = time.monotonic()
            return self.current

    def take_unstarted(self) -> list[Claimed]:
        """The jobs nobody has begun; from now on nobody of this claim will."""
        with self._lock:
            taken = list(self._waiting)
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
