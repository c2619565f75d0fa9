"""Whose turn it is in one queue, as one worker process remembers it."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from idempotency.claims import Claimed

REMEMBERED = 32  # jobs: as many as accounts take turns in one claim


@dataclass(slots=True)
class Turns:
    """Of each line the account that was served last, and the accounts of the newest jobs of all lines."""

    cursors: dict[int, int] = field(default_factory=dict)
    served: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def move_on(self, claimed: Sequence[Claimed]) -> None:
        """The next turn is with the accounts behind these."""
        for last in sorted(claimed, key=lambda c: c.turn):
            self.cursors[last.line] = last.account_hash
        self.served.extend(c.account_hash for c in claimed)
