"""How one worker process takes records of a queue, whatever happens to the database meanwhile."""

import logging
import time
from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import psycopg

from idempotency import transitions
from idempotency.claims import Claimed
from idempotency.ids import new_id
from jobs import conf, log_events
from jobs.own_connection import OwnConnection, backoff
from jobs.worker import shared
from jobs.worker.turns import Turns

logger = logging.getLogger(__name__)


class Claimer:
    """Remembers whose turn it is in each queue, and which queues' claims must wait for the disk.

    Args:
        vendors: queues whose claims count calls or ask for turns of their own.
        meanwhile: what may be done while the database looks for records.
    """

    def __init__(
        self, own: OwnConnection, vendors: Collection[str], meanwhile: Callable[[], object] | None = None
    ) -> None:
        self._own, self._meanwhile = own, meanwhile
        self._vendors = frozenset(vendors)
        self._outside = set(vendors)  # queues with tasks whose outcome must be written before the next starts
        self._busy = set(vendors)  # queues whose claims find more than one record: not worth asking for a lone one
        self._turns: dict[str, Turns] = {}

    def claim(self, queue: str, size: int, claimed_by: str) -> tuple[list[Claimed], int]:
        """Take up to `size` records; returns them, and with how many the queue may hold more. None: told to stop."""
        lease_id, answer_lost = new_id(), False
        for wait in backoff():
            try:
                if answer_lost and (claimed := self._own.once(lambda c: transitions.claimed_under(c, lease_id))):
                    return claimed, size
                taken = self._claim(queue, size, claimed_by, lease_id)
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                logger.warning(
                    "queue %s: the database is away, claiming again in %.1f s: %s",
                    queue,
                    wait,
                    error,
                    extra=log_events.DATABASE_AWAY,
                )
                answer_lost = True
                if shared.stopping():
                    break
                time.sleep(wait)
            else:
                return taken
        return [], size

    def harden(self, queue: str) -> None:
        """Before the first job that shows outside: from now on each claim of the queue is on disk before its jobs."""
        if queue not in self._outside:
            self._own.insist(transitions.harden)
            self._outside.add(queue)

    def _claim(self, queue: str, size: int, claimed_by: str, lease_id: UUID) -> tuple[list[Claimed], int]:
        """While records come one by one the short statement finds them, and where there are more the long one."""
        named: dict[str, Any] = {"lease": conf.lease(), "claimed_by": claimed_by, "lease_id": lease_id}
        turns = self._turns.setdefault(queue, Turns())

        def lone(connection: Any) -> list[Claimed]:
            return transitions.claim_lone(connection, queue, durable=self._must_last(queue), **named)

        def several(connection: Any) -> list[Claimed]:
            turned: dict[str, Any] = {"cursors": turns.cursors, "served": turns.served, "meanwhile": self._meanwhile}
            return transitions.claim(connection, queue, limit=size, durable=self._must_last(queue), **turned, **named)

        if queue not in self._busy and (claimed := self._own.once(lone)):
            turns.move_on(claimed)
            return claimed, len(claimed) + 1
        claimed = self._own.once(several)
        turns.move_on(claimed)
        self._note(queue, claimed)
        return claimed, size

    def _note(self, queue: str, claimed: list[Claimed]) -> None:
        if claimed and queue not in self._vendors:
            (self._busy.discard if len(claimed) == 1 else self._busy.add)(queue)

    def _must_last(self, queue: str) -> bool:
        """Whether a claim waits for the disk. One that a crash of the database forgets is no harm but for three things.

        What shows outside might be done twice at once: its job waits until the claim is on disk (`harden`). The calls
        of a vendor that were counted with it would be forgotten. And the attempt: a job whose own query crashes the
        database would be tried for ever, so the claims that follow upon a crash are kept, and its second is counted.
        """
        return queue in self._outside or self._own.is_young()
