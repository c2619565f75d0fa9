"""The relay: keeps hints where claimable records are. It looks only at the records, so it has nothing to get wrong.

In the same loop: the reaper, unparking, bulk replays, and (rarely) the pruner, the tally and the minutes of the charts.
Any number of relays may run.
"""

import logging
import math
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg

from idempotency import gauges, reads, transitions
from idempotency.claims import Backlog
from idempotency.errors import LeaseLost
from idempotency.states import State
from jobs import conf, heartbeat, hints, log_events, minutes, observers, pulses, registry, vendors
from jobs.broker_memory import BrokerMemory
from jobs.metrics import measuring
from jobs.own_connection import OwnConnection
from jobs.releases import Releases
from jobs.review import bulk_driver
from jobs.task import vendor_queues
from jobs.worker.dying import tell_of_leases

logger = logging.getLogger(__name__)

ASSUMED_BATCH = 50  # records a hint leads to at the least while there is a backlog
# Hints that may wait besides one for each process. They last until the next look, as who follows one goes on for a
# second; to count the records for more takes a tenth of a core where a queue is deep and its records lie apart.
SPARE_HINTS = 50
SHORTEST_REST = 0.025  # seconds between two looks: where much becomes due one after the other, it is staged together
HOUSEKEEPING = 60.0  # seconds between two rounds of what nobody waits for
PRUNING = 0.1  # seconds in a look: hints wait no longer, and it is faster than workers can drain


@dataclass(slots=True)
class Ticked:
    """What one tick did."""

    hints: int = 0
    reaped: int = 0
    dead_lettered: int = 0
    unparked: int = 0
    released: int = 0
    replayed: int = 0
    next_in: float = field(default_factory=conf.relay_interval)


class Relay:
    """One relay process."""

    def __init__(self) -> None:
        self._own = OwnConnection("jobs relay")
        self._housekept = self._counted = self._told = -math.inf
        self._name = f"{socket.gethostname()} {os.getpid()}"
        self._releases = Releases()
        self._bulk_replays = bulk_driver.BulkReplays()
        self._heart = heartbeat.Heart()
        self._broker_memory = BrokerMemory(self._name)
        self.stopped = threading.Event()

    def run(self, on_tick: Callable[[Ticked], None] | None = None) -> None:
        """Tick until `stopped` is set. Survives the database and the broker being away."""
        while not self.stopped.is_set():
            began, trouble = time.monotonic(), ""
            try:
                ticked = self.tick()
            except (psycopg.Error, LeaseLost) as error:
                logger.warning("the database is away: %s", error, extra=log_events.DATABASE_AWAY)
                ticked, trouble = Ticked(next_in=1.0), "the database is away"
            self._heart.beat(ready=not trouble, why=trouble)
            if on_tick:
                on_tick(ticked)
            self.stopped.wait(max(0.0, ticked.next_in - (time.monotonic() - began)))

    def close(self) -> None:
        self._heart.stop()
        self._own.close()
        observers.tell(lambda o: o.flush())

    def tick(self) -> Ticked:
        """Reap, unpark, stage, and top up the hints of every queue."""
        self._housekeep()
        ticked = Ticked()
        queues = list(conf.queues())
        ended = self._own.once(transitions.reap) | self._own.once(lambda c: transitions.exhaust(c, queues))
        ticked.reaped = len(ended)
        ticked.dead_lettered = sum(state is State.DEAD_LETTERED for state in ended.values())
        tell_of_leases(self._own, ended)
        workers = self._own.once(registry.live)
        for queue in queues:
            known = _known_tasks([w for w in workers if queue in w.queues])
            ticked.unparked += self._own.once(partial(transitions.unpark, queue=queue, known=known)) if known else 0
        self._own.once(lambda c: transitions.stage(c, queues))
        ticked.released = self._releases.due(self._own, queues)
        stepped = self._bulk_replays.due(self._own)
        ticked.replayed, ticked.next_in = stepped.replayed, min(ticked.next_in, stepped.next_in)
        slots = {queue: sum(w.slots for w in workers if queue in w.queues) for queue in queues}
        cap = counted(max(slots.values(), default=0))
        for backlog in self._own.once(lambda c: reads.backlog(c, queues, cap=cap)):
            ticked.hints += self._top_up(backlog, slots[backlog.queue])
            ticked.next_in = min(ticked.next_in, *_waits(backlog))
        self._count_minutes(queues)
        self._broker_memory.due(self._own)
        self._tell()
        return ticked

    def _top_up(self, backlog: Backlog, slots: int) -> int:
        """Send what the queue lacks; returns how many. Two relays never top up one queue at once."""
        if not backlog.claimable:
            return 0
        wanted = min(conf.hint_window(), math.ceil(backlog.claimable / ASSUMED_BATCH) + max(0, slots - 1))
        if (
            backlog.is_vendors
        ):  # whoever follows one waits for its slots: more hints than workers only wake them in vain
            wanted = min(wanted, max(1, slots))
        try:
            return self._own.once(lambda c: _send_missing(c, backlog.queue, wanted))
        except psycopg.Error:
            raise
        except Exception as error:  # noqa: BLE001 - whatever the broker's client throws: the next tick tries again
            self._broker_memory.failed(error)
            logger.warning("queue %s: the broker is away: %s", backlog.queue, error, extra=log_events.BROKER_AWAY)
            return 0

    def _housekeep(self) -> None:
        if time.monotonic() - self._housekept < HOUSEKEEPING:
            return
        self._housekept = time.monotonic()
        self._own.once(lambda c: vendors.configure(c, vendor_queues()))
        more = self._own.once(transitions.compact_tally)
        more |= bool(prune(self._own, conf.retention(), seconds=PRUNING))
        self._own.once(registry.forget_dead)
        for forget in (bulk_driver.forget_drafts, minutes.forget, gauges.sum_given_up, measuring.forget, pulses.forget):
            self._own.once(forget)
        if more:  # the rest in the next ticks: hints must not wait until a million records are pruned
            self._housekept = -math.inf

    def _count_minutes(self, queues: list[str]) -> None:
        """After all else: no hint waits for a chart."""
        if time.monotonic() - self._counted < minutes.EVERY:
            return
        self._counted = time.monotonic()
        if self._own.once(lambda c: minutes.count(c, queues)):
            self._counted = -math.inf

    def _tell(self) -> None:
        """That it went through its loop: after all else, and only then."""
        if time.monotonic() - self._told >= pulses.EVERY:
            self._own.once(lambda c: pulses.beat(c, pulses.RELAY, self._name))
            self._own.once(measuring.write_here)
            self._told = time.monotonic()


def counted(slots: int) -> int:
    """Claimable records of a queue that are counted at most in a look: more would not change what is sent.

    `slots`: worker processes of the queue that has most.
    """
    return ASSUMED_BATCH * (SPARE_HINTS + slots)


def prune(own: OwnConnection, retention: timedelta, *, seconds: float = math.inf) -> int:
    """Hollow out succeeded records older than `retention`, a thousand at a time, until none is left or for so long.

    Returns how many; 0 says that none is left.
    """
    pruned, ends = 0, time.monotonic() + seconds
    while count := own.once(lambda c: transitions.prune(c, retention=retention)):
        pruned += count
        if time.monotonic() > ends:
            break
    return pruned


def _send_missing(connection: Any, queue: str, wanted: int) -> int:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('jobs relay ' || %s, 0))", (queue,))
        if not cursor.fetchone()[0]:
            return 0
        missing = max(0, wanted - hints.depth(queue))
        if missing:
            hints.send(queue, missing)
        return missing


def _known_tasks(workers: list[registry.LiveWorker]) -> dict[str, int]:
    known: dict[str, int] = {}
    for worker in workers:
        for task, version in worker.tasks.items():
            known[task] = max(version, known.get(task, 0))
    return known


def _waits(backlog: Backlog) -> list[float]:
    """Seconds until something becomes claimable by itself."""
    waits = [w for w in (backlog.next_due_in, backlog.open_in) if w is not None]
    return [max(w, SHORTEST_REST) for w in waits] or [math.inf]
