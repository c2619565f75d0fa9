"""Whether a worker is alive and takes work, for probes and for systemd."""

import threading
import time
from collections.abc import Callable
from typing import Any

from jobs import heartbeat
from jobs.worker import shared

STUCK = 20.0  # seconds without a turn of Celery's event loop, while it is connected: it does not come back by itself
UNHEARD = 15.0  # seconds without a report to the database: as long as others count this worker as alive


class Liveness(threading.Thread):
    """Beats in a thread of its own while the event loop turns; asks neither the broker nor the database.

    While the broker is away Celery's loop stands still and tries to connect: that is alive, and not ready.
    """

    def __init__(self, consumer: Any, reported: Callable[[], float]) -> None:
        super().__init__(name="jobs-liveness", daemon=True)
        self._consumer, self._reported = consumer, reported
        self._turned = time.monotonic()
        self._heart = heartbeat.Heart()
        self._stopped = threading.Event()
        consumer.timer.call_repeatedly(heartbeat.EVERY, self._turn)
        self.start()

    def stop(self) -> None:
        self._stopped.set()
        self._heart.stop()

    def run(self) -> None:
        while not self._stopped.is_set():
            trouble = self.trouble()
            if trouble is not None:
                self._heart.beat(ready=not trouble, why=trouble)
            self._stopped.wait(heartbeat.EVERY)

    def trouble(self) -> str | None:
        """Why it takes no work, nothing where it does; None where it is stuck and must not beat."""
        connected = self._consumer.connection is not None
        if connected and time.monotonic() - self._turned > STUCK:
            return None
        if shared.stopping():
            return "it is told to stop"
        if not connected:
            return "the broker is away"
        if time.monotonic() - self._reported() > UNHEARD:
            return "the database is away"
        return ""

    def _turn(self) -> None:
        self._turned = time.monotonic()
