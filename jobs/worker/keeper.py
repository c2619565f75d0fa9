"""The lease keeper: a thread of the child that prolongs leases, and lets go what others could begin sooner."""

import logging
import threading
import time

import psycopg

from idempotency import transitions
from idempotency.claims import Claimed
from idempotency.errors import LeaseLost
from jobs import conf, hints, log_events
from jobs.own_connection import OwnConnection
from jobs.worker import shared
from jobs.worker.batch import Batch
from jobs.worker.pace import TARGET

logger = logging.getLogger(__name__)

WAKE = 0.1  # seconds; measured to cost nothing
WORTH_SHARING = 0.1  # seconds of work that nobody has begun: to give it back and to claim it takes a tenth of that


class LeaseKeeper:
    """Watches the batch of one worker process. Its own connection: the main thread's may be busy settling."""

    def __init__(self, name: str) -> None:
        self._own = OwnConnection(f"{name} lease")
        self._batch: Batch | None = None
        self._awake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, batch: Batch) -> None:
        self._batch = batch
        self._awake.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
            self._thread.start()

    def rest(self) -> None:
        self._batch = None
        self._awake.clear()

    def _run(self) -> None:
        while True:
            self._awake.wait()
            time.sleep(WAKE)
            if (batch := self._batch) is not None:
                self._look(batch)

    def _look(self, batch: Batch) -> None:
        now = time.monotonic()
        try:
            if batch.has_unstarted() and now - batch.current_since > TARGET:
                self._let_go(batch.take_unstarted())
            elif batch.may_be_shared and batch.seconds_left(now) > WORTH_SHARING and shared.somebody_idles():
                self._share(batch)
            if now - batch.renewed_at > conf.lease().total_seconds() / 3:
                self._renew(batch)
        except (psycopg.Error, LeaseLost) as error:
            logger.warning("leases not renewed, trying again: %s", error, extra=log_events.LEASES_NOT_RENEWED)

    def _share(self, batch: Batch) -> None:
        """A process of this worker has nothing to do, so the queue is empty but for what this one has claimed."""
        if half := batch.take_half():
            self._let_go(half)
            hints.nudge(half[0].queue)

    def _let_go(self, unstarted: list[Claimed]) -> None:
        if unstarted:
            self._own.insist(lambda c: transitions.give_back(c, unstarted, begun=False))

    def _renew(self, batch: Batch) -> None:
        held = batch.held()
        if held:
            kept = self._own.once(lambda c: transitions.renew(c, held, lease=conf.lease()))
            lost = [c.id for c in held if c.id not in kept]
            batch.settled(lost)
        batch.renewed_at = time.monotonic()
