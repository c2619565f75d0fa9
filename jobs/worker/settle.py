"""Writing the outcome of attempts: fenced, grouped where that is safe, and stubborn while the lease lasts."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import psycopg
from django.db import InterfaceError, OperationalError, transaction
from django.db import connection as django_connection

from idempotency import queues, transitions
from idempotency.claims import Claimed, Problem
from idempotency.errors import LeaseLost
from idempotency.queues import Circuit
from idempotency.states import PauseKind, Reason, State
from jobs import canvas, log_events
from jobs.own_connection import OwnConnection

if TYPE_CHECKING:
    from idempotency.under_way import UnderWay
    from jobs.context import Job
    from jobs.task import IdempotentTask

logger = logging.getLogger(__name__)

GROUP_WINDOW = 0.02  # seconds a finished job waits for others: a commit costs as much as fifty records in it
LONGEST_WINDOW = 0.05  # … and while the commit before is under way, on a slow disk: natural, since nobody waits for it
FEW = 8  # jobs; so many a crash may repeat however long each took, so they too wait up to the longest window


class Settler:
    """Settles the jobs of one worker process, one lease at a time."""

    def __init__(self, own: OwnConnection, stopping: Callable[[], bool]) -> None:
        self.own = own
        self.stopping = stopping
        self._group: list[tuple[Claimed, str]] = []
        self.paused: set[str] = set()
        self._failing: set[str] = set()  # queues whose vendor has failed since it answered this process
        self._group_since = 0.0
        self._sent: tuple[list[tuple[Claimed, str]], UnderWay] | None = None

    # -- success ------------------------------------------------------------------------------------------------------

    def succeed(self, task: "IdempotentTask", job: "Job", payload: Mapping[str, Any], result: Any, text: str) -> None:
        """Settle as succeeded, now or within the group's window. Raises LeaseLost where it can be told at once."""
        if job.grouped and not job.stepped:
            self._group_since = self._group_since or time.monotonic()
            self._group.append((job.claimed, text))
        elif task.commit or canvas.continues(job.claimed.options or {}):
            self._succeed_together(task, job, payload, result, text)
        else:
            self._succeed_group([(job.claimed, text)], raising=True)
        if self._failing or job.claimed.doubtful:
            self.vendor_answered(job)

    def flush(self) -> None:
        """Write the group and wait for it. Jobs that are no longer ours are left to their new owner."""
        self._hear()
        if group := self._take_group():
            self._succeed_group(group, raising=False)

    def pass_on(self) -> None:
        """Send the group: it is written while the next job runs."""
        self._hear()
        if not (group := self._take_group()):
            return
        batch, texts = [c for c, _ in group], [t for _, t in group]
        try:
            self._sent = group, self.own.send(lambda c: transitions.send_succeed(c, batch, texts))
        except (psycopg.OperationalError, psycopg.InterfaceError):
            self._succeed_group(group, raising=False)

    def pass_on_if_old(self, next_takes: float = 0.0) -> None:
        """`next_takes`: seconds that the group would wait further for a job that is about to start."""
        if not self._group:
            return
        age = time.monotonic() - self._group_since + next_takes
        if age >= LONGEST_WINDOW or (age >= GROUP_WINDOW and len(self._group) >= FEW and self._is_free()):
            self.pass_on()

    def _is_free(self) -> bool:
        return self._sent is None or self._sent[1].arrived()

    def _hear(self) -> None:
        """Read the answer to what was sent; a bad one, or one that was lost, is asked for again."""
        sent, self._sent = self._sent, None
        if sent is None:
            return
        group, under_way = sent
        try:
            written = under_way.count()
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            logger.warning("the database is away: %s", error, extra=log_events.DATABASE_AWAY)
            self.own.close()
            written = 0
        if written < len(group):
            self._succeed_group(group, raising=False)

    def _take_group(self) -> list[tuple[Claimed, str]]:
        group, self._group, self._group_since = self._group, [], 0.0
        return group

    def _succeed_group(self, group: list[tuple[Claimed, str]], *, raising: bool) -> None:
        batch, texts = [c for c, _ in group], [t for _, t in group]
        done = self.own.insist(lambda c: transitions.succeed(c, batch, texts))
        if len(done) < len(batch):  # lost, or written by a try whose answer was lost
            done |= self.own.insist(lambda c: transitions.succeeded_by(c, batch))
        for claimed in batch:
            if claimed.id not in done:
                lost = _lost(claimed)
                if raising:
                    raise lost
                logger.warning("%s", lost, extra=log_events.JOB_LOST)

    def _succeed_together(
        self, task: "IdempotentTask", job: "Job", payload: Mapping[str, Any], result: Any, text: str
    ) -> None:
        """`commit`, the canvas's next jobs and the settle in one transaction; the guard last: it locks the row."""
        try:
            with transaction.atomic():
                if task.commit:
                    task.commit(result, **payload)
                canvas.follow(job.claimed.id, job.claimed.options or {}, result)
                if not transitions.succeed(django_connection, [job.claimed], [text]):
                    raise _lost(job.claimed)
        except (InterfaceError, OperationalError):
            # The answer to a COMMIT that went through may be what was lost.
            if not self.own.insist(lambda c: transitions.succeeded_by(c, [job.claimed])):
                raise
            django_connection.close()

    # -- everything else ----------------------------------------------------------------------------------------------

    def retry(self, job: "Job", delay: timedelta, problem: Problem) -> State:
        return self.own.insist(lambda c: transitions.retry(c, job.claimed, delay=delay, problem=problem))

    def fail(self, job: "Job", problem: Problem) -> State:
        return self.own.insist(lambda c: transitions.fail(c, job.claimed, problem))

    def dead_letter(self, job: "Job", reason: Reason, problem: Problem) -> State:
        return self.own.insist(lambda c: transitions.dead_letter(c, job.claimed, reason=reason, problem=problem))

    def give_back(self, job: "Job", delay: timedelta, problem: Problem | None) -> None:
        batch = [job.claimed]
        if not self.own.insist(lambda c: transitions.give_back(c, batch, delay=delay, problem=problem)):
            raise _lost(job.claimed)

    def park(self, claimed: Claimed, reason: str) -> None:
        self.own.insist(lambda c: transitions.give_back(c, [claimed], parked_reason=reason))

    def interrupt(self, job: "Job") -> None:
        """The worker is told to stop in the middle of the job: somebody else starts it anew, at once."""
        self.give_back(job, timedelta(0), None)

    def has_paused(self, queue: str) -> bool:
        """Whether a job of this batch has paused the queue: the rest of the batch must wait as well."""
        return queue in self.paused

    # -- what it says of the vendor -----------------------------------------------------------------------------------

    def pause(self, job: "Job", vendor: str, kind: PauseKind, duration: timedelta, why: str) -> None:
        """The vendor wants nobody to call for so long."""
        queue, by = job.claimed.queue, job.claimed.claimed_by
        self.paused.add(queue)
        self.own.insist(
            lambda c: queues.pause(c, queue, duration=duration, reason=why, by=by, kind=kind, vendor=vendor)
        )

    def vendor_answered(self, job: "Job") -> None:
        """News only where it has failed before: the happy path writes nothing."""
        if job.claimed.doubtful or job.claimed.queue in self._failing:
            self.own.insist(lambda c: queues.recover(c, job.claimed))
            self._failing.discard(job.claimed.queue)

    def vendor_failed(self, job: "Job", vendor: str, circuit: Circuit, why: str) -> None:
        queue, by = job.claimed.queue, job.claimed.claimed_by
        self._failing.add(queue)
        if self.own.insist(lambda c: queues.trip(c, queue, vendor, circuit, reason=why, by=by)):
            self.paused.add(queue)


def _lost(claimed: Claimed) -> LeaseLost:
    return LeaseLost(f"{claimed.task} {claimed.id}: attempt {claimed.attempt} no longer owns the record")
