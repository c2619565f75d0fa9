"""What a worker process does with a hint: claim, perform, settle, until its queue is empty or a second has passed."""

import logging
import os
import random
import time
from collections.abc import Mapping
from functools import partial

import psycopg
from celery import current_app

from idempotency import reads, transitions
from idempotency.claims import Claimed
from jobs import hints, log_events, observers, vendors
from jobs.claim import Claim
from jobs.metrics import measuring
from jobs.own_connection import OwnConnection
from jobs.task import IdempotentTask, vendor_queues
from jobs.worker import limits, shared
from jobs.worker.batch import Batch
from jobs.worker.claimer import Claimer
from jobs.worker.events import LONGEST, JobEvents
from jobs.worker.keeper import LeaseKeeper
from jobs.worker.pace import LIMITED_TARGET, TARGET, WEIGHT, Pace
from jobs.worker.settle import Settler
from jobs.worker.tracer import JobTracer

logger = logging.getLogger(__name__)

SLOTS_GATHER = 0.04  # seconds; below the tenth of a second that a claim may hold slots ahead of time
SHIFT = 1.0  # seconds one hint keeps looping; then a successor lets the other queues of the worker have their turn


class Child:
    """One worker process."""

    shift = SHIFT

    def __init__(self, hostname: str, slot: int = 0) -> None:
        self.hostname = hostname
        self.slot = slot
        self.own = OwnConnection(f"jobs {hostname} {os.getpid()}")
        self.settler = Settler(self.own, shared.stopping)
        self.keeper = LeaseKeeper(f"jobs {hostname} {os.getpid()}")
        self.events = JobEvents(hostname)
        self.tracer = JobTracer(hostname, self.settler, self.events)
        self._tasks = current_app.tasks
        self._vendors = vendor_queues()
        self.claimer = Claimer(self.own, self._vendors)
        self._paces: dict[str, Pace] = {}
        self._run_times: dict[str, float] = {}

    # -- one hint -----------------------------------------------------------------------------------------------------

    def work(self, queue: str, hint_id: str, headers: Mapping[str, str]) -> int:
        """Follow one hint; returns how many jobs it led to."""
        ends, done = time.monotonic() + self.shift, 0
        shared.set_busy(self.slot, True)
        try:
            while not shared.stopping():
                began = time.monotonic()
                claimed, wanted = self.claimer.claim(
                    queue, self._pace(queue).size, f"{self.hostname}/{hint_id}/{os.getpid()}"
                )
                took = time.monotonic() - began
                if observers.watching and claimed:
                    claimed = Claim.of(claimed)
                    observers.tell(partial(_tell_claimed, queue, claimed, took, headers))
                self._run_batch(queue, claimed, took)
                done += len(claimed)
                if not self._goes_on(queue, claimed, wanted):
                    break
                if time.monotonic() > ends:
                    self._stage(queue)
                    hints.nudge(queue)
                    break
        finally:
            try:
                self.settler.flush()
            finally:
                shared.set_busy(self.slot, False)
                self.events.flush()
                measuring.here.count("messaging_client_consumed_messages_total", queue)
                measuring.hand_over()
        return done

    def _goes_on(self, queue: str, claimed: list[Claimed], wanted: int) -> bool:
        """Whether one more claim may find something. What is new stands in line already."""
        if claimed and (len(claimed) >= wanted or claimed[0].left_others):
            return True
        self.settler.flush()
        return self._stage(queue) > 0 or (not claimed and self._slots_come(queue))

    def _stage(self, queue: str) -> int:
        """Returns how many may be claimed now. The relay does it too; without one a retry must not wait for ever."""
        try:
            return self.own.once(lambda c: transitions.stage(c, [queue]))
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            logger.warning("queue %s: the database is away: %s", queue, error, extra=log_events.DATABASE_AWAY)
            return 0

    def _slots_come(self, queue: str) -> bool:
        """Wait for the next slot of a vendor with a limit; False where there is no work or it is far off."""
        if queue not in self._vendors:
            return False
        try:
            (backlog,) = self.own.once(lambda c: reads.backlog(c, [queue], cap=1))
        except (psycopg.OperationalError, psycopg.InterfaceError):
            return False
        has_limit = vendors.declared(self._vendors[queue]).limits.calls_per_second is not None
        if (backlog.claimable and has_limit) or (0 <= (backlog.open_in or -1) < SHIFT):
            # Not for one slot alone: a few of them make one claim, and few workers wake for each.
            time.sleep(max(backlog.open_in or 0, SLOTS_GATHER * random.uniform(0.5, 1)))  # noqa: S311 - no secret
            return True
        return False  # what else keeps records back, such as a busy account, may take long: the relay sends a hint

    # -- one batch ----------------------------------------------------------------------------------------------------

    def _run_batch(self, queue: str, claimed: list[Claimed], claiming: float) -> None:
        if not claimed:
            return
        self.settler.pass_on()  # what the claim before has left: it is written while these run
        batch, began, ran, ended = Batch(claimed), time.monotonic(), 0, False
        self.settler.paused.discard(queue)
        self.keeper.watch(batch)
        self.tracer.follow(claimed)
        try:
            for current in batch.jobs():
                if shared.stopping() or self._must_wait(queue, ran):
                    self._give_back([current])
                    break
                self._run_job(current)
                ran += 1
            ended = ran == len(claimed)
        finally:
            self.tracer.leave()
            unstarted = batch.take_unstarted()
            try:
                if not ended:
                    self.settler.flush()
                    self._give_back(unstarted)
            finally:
                limits.stop()
                self.keeper.rest()
            self.tracer.measure()
            if ran:
                self._pace(queue).ran(ran, time.monotonic() - began, claiming)

    def _must_wait(self, queue: str, ran: int) -> bool:
        """Whether the queue was paused since the claim: by a job of this batch, or by anybody else."""
        if queue not in self._vendors or not ran:
            return False
        return self.settler.has_paused(queue) or self.own.insist(lambda c: reads.is_paused(c, queue))

    def _give_back(self, unstarted: list[Claimed]) -> None:
        if unstarted:
            self.own.insist(lambda c: transitions.give_back(c, unstarted, begun=False))

    def _pace(self, queue: str) -> Pace:
        if (pace := self._paces.get(queue)) is None:
            vendor = self._vendors.get(queue)
            limited = vendor and vendors.declared(vendor).limits.calls_per_second
            pace = self._paces[queue] = Pace(target=LIMITED_TARGET if limited else TARGET)
        return pace

    # -- one job ------------------------------------------------------------------------------------------------------

    def _run_job(self, claimed: Claimed) -> None:
        task = self._tasks.get(claimed.task)
        if not isinstance(task, IdempotentTask) or claimed.payload_version > task.payload_version:
            self.settler.park(claimed, f"no worker knows {claimed.task} with payload version {claimed.payload_version}")
            return
        expected = self._run_times.get(claimed.task, SHIFT)
        if task.settles_alone():
            self.settler.flush()
            self.claimer.harden(claimed.queue)
        else:
            self.settler.pass_on_if_old(expected)
        began = time.monotonic()
        self.tracer.run(task, claimed, long=expected > LONGEST)
        self._note_run_time(claimed.task, time.monotonic() - began)
        self.settler.pass_on_if_old()
        self.events.flush_if_due()

    def _note_run_time(self, task: str, seconds: float) -> None:
        known = self._run_times.get(task, seconds)
        self._run_times[task] = (1 - WEIGHT) * known + WEIGHT * seconds


def _tell_claimed(
    queue: str, claim: Claim, seconds: float, headers: Mapping[str, str], observer: observers.Observer
) -> None:
    observer.claimed(queue, claim, seconds, headers)
