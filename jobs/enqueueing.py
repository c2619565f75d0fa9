"""The one door: every way to ask for a job ends here, in the caller's transaction."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from django.db import OperationalError, connection

from idempotency import payload, transitions
from idempotency.claims import Found, Request, Terms
from idempotency.errors import EnqueueBusy, EnqueueError, KeyConflict
from idempotency.states import State
from jobs import canvas, conf, hints, observers, room
from jobs.errors import UnknownQueueError
from jobs.metrics import callers
from jobs.observers import Enqueuing
from jobs.options import Options

if TYPE_CHECKING:
    from jobs.task import IdempotentTask

CHUNK = 1000  # records per statement: beyond it the gain is gone and the statement only holds locks longer


@dataclass(frozen=True, slots=True)
class Enqueued:
    """The record that answers for a request.

    `created` is False where an earlier request holds the key: then `state` and `result` tell how far that one got.
    """

    id: UUID
    key: UUID | None
    state: State
    created: bool
    result: Any


def enqueue(
    task: type["IdempotentTask"], options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Enqueued:
    """Write one record; see `IdempotentTask.enqueue`."""
    if not observers.watching:
        return _enqueue(task, options, args, kwargs)
    watched = Enqueuing(task, options.queue or task.queue, 1)
    with observers.around(lambda o: o.enqueuing(watched)):
        answer = _enqueue(task, observers.with_headers(options, watched.headers), args, kwargs)
        watched.answers = [answer]
    return answer


def _enqueue(
    task: type["IdempotentTask"], options: Options, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Enqueued:
    terms = terms_of(task, options)
    request = task.request_for(args, kwargs)
    if options.id is not None:
        request = request._replace(id=options.id.hex)
    if options.key is not None:
        request, terms = request._replace(key=options.key.hex), replace(terms, dedupe_window=None)
    terms = fitted(task, terms, 1, lambda: [request])
    with told_when_busy(task):
        (found,) = transitions.enqueue(connection, terms, [request])
    answer = answer_of(task, request, found)
    if not answer.created:
        callers.answered(terms.queue, 1)
        if found.id.hex != request.id and canvas.continues(options.canvas or {}):
            _join(task, options, found)
    if found.claimable:
        hints.after_commit(terms.queue)
    return answer


def _join(task: type["IdempotentTask"], options: Options, found: Found) -> None:
    """A chain whose job was already done by an earlier request goes on from that one's result."""
    if found.state is not State.SUCCEEDED:
        raise EnqueueError(
            f"{task.name}: job {found.id} ({found.state}) holds this key, so the rest of this chain cannot be put "
            "behind it. Enqueue what follows in the task's commit, or give the job a key of its own."
        )
    canvas.follow(found.id, options.canvas or {}, found.result)


def fitted(task: type["IdempotentTask"], terms: Terms, count: int, requests: Callable[[], Sequence[Request]]) -> Terms:
    """The terms on which so many are accepted: held back where they would exceed the queue's bound.

    A queue that refuses instead raises QueueFull, before anything is written.

    Not what a running job enqueues: its effect is done, so a refusal would make a failure of it, and a queue whose jobs
    are followed by others of the same queue would never drain again. A job that fans out asks for room by itself.
    """
    look = room.take(terms.queue, count)
    if look is None:
        return terms
    if conf.holds(terms.queue):
        return replace(terms, held=True)
    if task.called_by_a_job():
        return terms
    new = _count_new(requests(), terms.dedupe_window)
    if new == count or (new and (look := room.take(terms.queue, new))):
        raise room.full(terms.queue, new, look)
    return terms


def _count_new(requests: Sequence[Request], window: timedelta | None) -> int:
    """How many of these no record answers for. Asked only before a refusal."""
    new = {r.key or r.id for r in requests}
    # A single request's id may be one that Celery's canvas chose, and whose record is there already.
    known = [r for r in requests if r.key or len(requests) == 1]
    for start in range(0, len(known), CHUNK):
        for found in transitions.find(connection, known[start : start + CHUNK], window):
            new.discard(found.id.hex)
            if found.key and not found.window_passed:
                new.discard(found.key.hex)
    return len(new)


@contextmanager
def told_when_busy(task: type["IdempotentTask"]) -> Iterator[None]:
    """How long to wait is the connection's own `lock_timeout`: setting one here would cost half an enqueue more."""
    try:
        yield
    except OperationalError as error:
        if not isinstance(error.__cause__, (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)):
            raise
        raise EnqueueBusy(
            f"{task.name}: another transaction is enqueueing the same key and did not end in time (lock_timeout). "
            "Repeat this transaction; to go on without the job, put the enqueue into an atomic() of its own."
        ) from error


def answer_of(task: type["IdempotentTask"], request: Request, found: Found) -> Enqueued:
    if found.fingerprint.hex != request.fingerprint:
        raise KeyConflict(
            f"{task.name}: job {found.id} ({found.state}) holds this key with another payload. "
            "Put what differs into dedupe_key, or enqueue the payload that was meant.",
            found.id,
        )
    return Enqueued(found.id, found.key, found.state, found.created and found.id.hex == request.id, found.result)


def terms_of(task: type["IdempotentTask"], options: Options) -> Terms:
    queue = options.queue or task.queue
    if queue not in conf.queues():
        known = ", ".join(sorted(conf.queues()))
        raise UnknownQueueError(f"{task.name}: queue {queue!r} is not in JOBS_QUEUES ({known}). Declare it there.")
    if queue != task.queue and (owner := task.vendor_of(queue)) != task.vendor:
        raise EnqueueError(
            f"{task.name}: queue {queue!r} belongs to {owner or 'no vendor'}, the task calls {task.vendor or 'none'}. "
            "A pause of one would stop the other: choose a queue of the same."
        )
    return Terms(
        task=task.name,
        queue=queue,
        payload_version=task.payload_version,
        max_attempts=task.retry_policy.max_attempts,
        solo=task.runs_alone(),
        run_after=options.run_after,
        delay=options.delay,
        options=_canvas_text(options.canvas),
        dedupe_window=task.dedupe_window,
        priority=task.priority if options.priority is None else options.priority,
        calls=task.calls(),
    )


def _canvas_text(behind: Mapping[str, Any] | None) -> str | None:
    return payload.dumps(dict(behind), limit=conf.max_payload(), what="what follows the job") if behind else None
