"""What the worker's parent process does besides Celery's own work.

It reports, passes on flags, and returns the records of a child that died; all in one thread, because Celery's event
loop must not wait for the database.
"""

import gc
import logging
import os
import queue
import threading
import time
from functools import partial
from typing import Any
from uuid import UUID

import psycopg
from billiard.exceptions import WorkerLostError
from celery import signals

from idempotency import transitions
from idempotency.errors import LeaseLost
from idempotency.states import State
from jobs import log_events, masking, observers, registry, vendors
from jobs.metrics import measuring
from jobs.own_connection import OwnConnection
from jobs.preflight import before_start
from jobs.task import vendor_queues
from jobs.worker import shared, terminating
from jobs.worker.dying import Dying
from jobs.worker.hearing import Hearing
from jobs.worker.hint import Hint, forget_child
from jobs.worker.liveness import Liveness
from jobs.worker.reporting import Reporter
from jobs.worker.terminating import Ending

logger = logging.getLogger(__name__)

AGAIN = 0.05  # seconds until a job that is to end is looked at again
TICK = 0.5  # seconds until a flag that Flower set reaches the children


class ParentThread:
    """Lives from `worker_ready` to the end of the process."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._own = OwnConnection(f"jobs {consumer.hostname} parent")
        self._orders: queue.SimpleQueue[Any] = queue.SimpleQueue()  # of functions to call
        self._reported = self._drains = time.monotonic() - registry.EVERY
        self._hearing = Hearing(consumer)
        self._measured = measuring.Inbox()
        self._reporter = Reporter(self._own, consumer)
        threading.Thread(target=self._run, name="jobs-parent", daemon=True).start()
        self.liveness = Liveness(consumer, lambda: self._reported)

    def child_died(self, hint_id: str, how: str) -> None:
        died = Dying(how, time.monotonic())
        self._orders.put(partial(self._return_records, f"{self._consumer.hostname}/{hint_id}/", died))

    def end_jobs(self, ids: list[UUID], terminate: bool) -> None:  # noqa: FBT001 - it is the message
        """Called by Celery's event loop, which must not wait."""
        for id_ in ids:
            self._orders.put(partial(self._end, Ending(self._own, self._consumer.hostname, id_, terminate=terminate)))

    def leave(self) -> None:
        self.liveness.stop()
        try:
            self._own.once(self._measured.write)
            self._own.once(lambda c: registry.leave(c, self._consumer.hostname))
        except psycopg.Error as error:
            logger.warning(
                "the worker registry keeps this worker until its row expires: %s",
                error,
                extra=log_events.NOT_REGISTERED,
            )

    def _run(self) -> None:
        while True:
            self._pass_on_flags()
            self._measured.read()
            try:
                self._follow_order()
                self._report()
            except (psycopg.Error, LeaseLost) as error:
                logger.warning("the database is away: %s", error, extra=log_events.DATABASE_AWAY)
                time.sleep(registry.EVERY)

    def _pass_on_flags(self) -> None:
        dispatcher = self._consumer.event_dispatcher
        wanted = bool(dispatcher and dispatcher.enabled and (not dispatcher.groups or "task" in dispatcher.groups))
        shared.want_events(wanted)

    def _follow_order(self) -> None:
        try:
            order = self._orders.get(timeout=TICK)
        except queue.Empty:
            return
        order()

    def _end(self, ending: Ending) -> None:
        ended = ending.attempt()
        if ended is None:
            time.sleep(AGAIN)
            self._orders.put(partial(self._end, ending))
        elif ended:
            logger.warning("job %s was ended by remote control", ending.id, extra=log_events.JOB_ENDED)
            self._consumer.call_soon(self._show_end, str(ending.id))

    def _show_end(self, id_: str) -> None:
        """In Celery's event loop: the connection is its own."""
        if (dispatcher := self._consumer.event_dispatcher) and dispatcher.enabled:
            dispatcher.send("task-revoked", uuid=id_, terminated=True, signum="SIGKILL", expired=False)

    def _return_records(self, followed_hint: str, died: Dying) -> None:
        for claimant in self._own.insist(lambda c: transitions.claimants(c, followed_hint)):
            if _is_dead(claimant):  # a doubled hint may have a living follower
                died.look(self._own, _pid(claimant))
                returned = self._own.insist(partial(_take_back, claimant=claimant))
                told = "a worker process died; %d records of %s are returned"
                logger.warning(told, len(returned), claimant, extra=log_events.PROCESS_DIED)
                self._measured.sums.count("jobs_children_lost_total", died.kind)
                died.tell(returned)

    def _report(self) -> None:
        if shared.stopping():
            self._report_draining()
            return
        if time.monotonic() - self._reported < registry.EVERY:
            return
        self._reporter.serves(self._queues())
        self._own.once(self._measured.write)
        self._reported = time.monotonic()
        self._hearing.look(self._queues())

    def _report_draining(self) -> None:
        if time.monotonic() - self._drains < registry.EVERY:
            return
        self._drains = time.monotonic()
        self._reporter.drains()

    def _queues(self) -> list[str]:
        return [q.name for q in self._consumer.task_consumer.queues or ()]


def _take_back(connection: Any, claimant: str) -> dict[UUID, State]:
    """At once, or a relay would take them for the records of a worker that nobody has seen dying."""
    with connection.transaction():
        transitions.expire(connection, claimant)
        return transitions.reap(connection)


def _is_dead(claimant: str) -> bool:
    """Whether the process that a claimant's name ends with is gone."""
    try:
        os.kill(_pid(claimant), 0)
    except ProcessLookupError:
        return True
    return False


def _pid(claimant: str) -> int:
    return int(claimant.rpartition("/")[2])


_thread: ParentThread | None = None


def _declare_vendors() -> None:
    """Before the first claim; where the database is away the relay does it later."""
    own = OwnConnection("jobs worker")
    try:
        own.once(lambda c: vendors.configure(c, vendor_queues()))
    except psycopg.Error as error:
        logger.warning("the limits of vendors are not written: %s", error, extra=log_events.LIMITS_UNWRITTEN)
    finally:
        own.close()  # the worker forks, and a connection belongs to one process


@signals.worker_init.connect
def _on_init(**_: Any) -> None:
    shared.reset()
    measuring.open_pipe()
    before_start()
    _declare_vendors()
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).addFilter(_hides_hints)
    masking.install()
    _share_memory()


@signals.after_setup_logger.connect
@signals.after_setup_task_logger.connect
def _on_logging(logger: logging.Logger, **_: Any) -> None:
    masking.watch(logger.handlers)


@signals.worker_process_init.connect
def _on_child_start(**_: Any) -> None:
    _share_memory()
    forget_child()


@signals.worker_process_shutdown.connect
def _on_child_end(**_: Any) -> None:
    observers.tell(lambda o: o.flush())


@signals.worker_ready.connect
def _on_ready(sender: Any, **_: Any) -> None:
    global _thread
    _share_memory()
    _thread = ParentThread(sender)
    terminating.install(_thread.end_jobs)


@signals.worker_shutting_down.connect
def _on_shutting_down(**_: Any) -> None:
    shared.stop()


@signals.worker_shutdown.connect
def _on_shutdown(**_: Any) -> None:
    if _thread:
        _thread.leave()
    observers.tell(lambda o: o.flush())


@signals.task_failure.connect
def _on_failure(sender: Any = None, task_id: str = "", exception: Any = None, **_: Any) -> None:
    if _thread and isinstance(exception, WorkerLostError) and sender is not None and sender.name == Hint.name:
        _thread.child_died(task_id, str(exception))


def _share_memory() -> None:
    """Keep the garbage collector from what is here by now.

    It writes into each object that it looks at, and so would make a copy of every page that parent and children share.
    """
    gc.freeze()


def _hides_hints(record: logging.LogRecord) -> bool:
    """Log lines about hints say nothing about jobs."""
    data = record.args if isinstance(record.args, dict) else {}
    return data.get("name") != Hint.name
