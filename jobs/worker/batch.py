"""The records of one claim, while they are worked on."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
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
        self.size = len(claimed)
        self.claimed_at = self.renewed_at = time.monotonic()
        self.current_since = 0.0
        self.may_be_shared = True
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
        return self._take(lambda waiting: waiting)

    def take_half(self) -> list[Claimed]:
        """The same of the half that would come last."""
        return self._take(lambda waiting: (waiting + 1) // 2)

    def _take(self, share: Callable[[int], int]) -> list[Claimed]:
        with self._lock:
            taken = [self._waiting.pop()[0] for _ in range(share(len(self._waiting)))]
            for claimed in taken:
                del self._unsettled[claimed.id]
            return taken[::-1]

    def seconds_left(self, now: float) -> float:
        """How long the jobs that nobody has begun will take, by those that have."""
        waiting = len(self._waiting)
        return waiting * (now - self.claimed_at) / max(self.size - waiting, 1)

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
