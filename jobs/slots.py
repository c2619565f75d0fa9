"""Slots: when a vendor with a limit may be called. A client of the vendor takes one before each request."""

import os
import threading
import time

from idempotency import queues
from idempotency.queues import Slot
from jobs import vendors
from jobs.context import Job
from jobs.own_connection import OwnConnection
from jobs.task import running_job, vendor_queues

_here = threading.local()


def take_slot(vendor: str) -> None:
    """Wait until the vendor may be called once more; returns at once where `JOBS_VENDORS` sets it no limit.

    Call it right before each request, for instance as a hook of the client that all tasks share:
    `httpx.Client(event_hooks={"request": [lambda request: take_slot("ledgerly")]})`. In a job of this vendor's the
    claim has brought the slots of its `calls_per_attempt`; a call beyond them, one that comes too late for its own, and
    one from outside any job takes the next free slot of all.

    Raises:
        psycopg.OperationalError: outside of a job, the database is away.
    """
    job = running_job(vendor)
    if job and (at := next(job.slots, None)) is not None and _reached(at, job.claimed.late or 0.0):
        return
    if vendors.declared(vendor).limits.calls_per_second is None:
        return
    queue = job.claimed.queue if job else _queue_of(vendor)
    while (slot := _next_slot(job, queue)) and not _reached(time.monotonic() + slot.wait, slot.late):
        pass


def _reached(at: float, late: float) -> bool:
    """Wait for a slot; False where it has passed: whoever called then would meet those of the slots behind it."""
    wait = at - time.monotonic()
    if wait > 0:
        time.sleep(wait)
    return time.monotonic() - at <= late


def _next_slot(job: Job | None, queue: str) -> Slot | None:
    if job:
        return job.settler.own.insist(lambda c: queues.slot(c, queue))
    own = _here.own = getattr(_here, "own", None) or OwnConnection("jobs slots")
    return own.once(lambda c: queues.slot(c, queue))


def _queue_of(vendor: str) -> str:
    return next((queue for queue, name in vendor_queues().items() if name == vendor), "")


def close() -> None:
    """End this thread's own way to the database: for threads that end, or it would stay open until it is collected."""
    if own := getattr(_here, "own", None):
        own.close()


def _forget() -> None:
    """A fork must not speak on the connection of the process, and of the thread, that it was made from."""
    _here.__dict__.clear()


os.register_at_fork(after_in_child=_forget)
