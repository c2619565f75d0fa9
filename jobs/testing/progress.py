"""How far a sweep is, on one line of a terminal."""

import sys
import time

EVERY = 0.2  # seconds
WIDTH = 30  # characters


class Progress:
    """Writes to stderr. `shown` None: where that is a terminal."""

    def __init__(self, task: str, *, shown: bool | None) -> None:
        self._task = task
        self._shown = sys.stderr.isatty() if shown is None else shown
        self._next = 0.0

    def at(self, done: int, of: int, violations: int) -> None:
        """`of` is an estimate while pairs are enumerated."""
        now = time.monotonic()
        if not self._shown or now < self._next:
            return
        self._next = now + EVERY
        filled = min(WIDTH, WIDTH * done // max(1, of))
        bar = "█" * filled + "·" * (WIDTH - filled)
        sys.stderr.write(f"\r{self._task} {bar} {done} of about {max(done, of)} runs, {violations} violations ")
        sys.stderr.flush()

    def end(self) -> None:
        if self._shown:
            sys.stderr.write("\n")
