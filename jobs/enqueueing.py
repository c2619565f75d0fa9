"""The one door: every way to ask for a job ends here, in the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psycopg
from django.db import OperationalError, connection, transaction

from idempotency import payload, transitions
from idempotency.claims import Found, Request, Terms
from idempotency.errors import EnqueueBusy, EnqueueError, KeyConflict
from idempotency.states import State
from jobs import calls, canvas, conf, hints, observers, room
from jobs.errors import UnknownQueueError
from jobs.observers import Enqueuing

if TYPE_CHECKING:
    from jobs.task import IdempotentTask

CHUNK = 1000  # records per statement: beyond it the gain is gone and the statement only holds locks longer
PRIORITIES = range(-100, 101)  # as django.tasks has them
FARTHEST = timedelta(days=3653)  # ten years: a later date is a mistake in the arithmetic


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


@dataclass(frozen=True, slots=True)
class Options:
    """What one call may say beyond its parameters.

    Args:
        queue: another declared queue than the task's own.
        run_after: an aware moment before which nobody claims it.
        delay: the same as a span from now.
        priority: another than the task's own, from -100 to 100.
        id: the record's id, where Celery's canvas has chosen one.
        canvas: what Celery's canvas attached: chain, links, parent and root id.
        key: what makes it the same work, in place of the task's own key; for ever.
    """

    queue: str | None = None
    run_after: datetime | None = None
    delay: timedelta = timedelta(0)
    priority: int | None = None
    id: UUID | None = None
    canvas: Mapping[str, Any] | None = None
    key: UUID | None = None

    def __post_init__(self) -> None:
        _check_moment(self.run_after)
        if not isinstance(self.delay, timedelta):
            raise EnqueueError(f"delay is {self.delay!r}; say its unit: timedelta(seconds=…).")
        if self.delay < timedelta(0):
            raise EnqueueError(f"delay is {self.delay}; a job cannot run in the past. Leave it out to run now.")
        check_priority(self.priority)
        if self.delay > FARTHEST:
            raise EnqueueError(f"delay is {self.delay}, over ten years. Check the unit.")


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
    terms = _terms(task, options)
    request = _request(task, calls.bind(task.signature_of_run(), task.name, args, kwargs, task.accepted_names()))
    if options.id is not None:
        request = replace(request, id=options.id)
    if options.key is not None:
        request, terms = replace(request, key=options.key), replace(terms, dedupe_window=None)
    terms = _fitted(task, terms, [request])
    with _told_when_busy(task):
        (found,) = transitions.enqueue(connection, terms, [request])
    answer = _answer(task, request, found)
    if not answer.created and found.id != request.id and canvas.continues(options.canvas or {}):
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


def enqueue_many(
    task: type["IdempotentTask"], options: Options, payloads: Iterable[Mapping[str, Any]]
) -> list[Enqueued]:
    """Write many records, all or none; see `IdempotentTask.enqueue_many`."""
    if not observers.watching:
        return _enqueue_many(task, options, payloads)
    watched = Enqueuing(task, options.queue or task.queue)
    with observers.around(lambda o: o.enqueuing(watched)):
        answers = _enqueue_many(task, observers.with_headers(options, watched.headers), payloads)
        watched.answers = answers
    return answers


def _enqueue_many(
    task: type["IdempotentTask"], options: Options, payloads: Iterable[Mapping[str, Any]]
) -> list[Enqueued]:
    terms = _terms(task, options)
    signature = task.signature_of_run()
    names = task.accepted_names()
    requests = [_request(task, calls.bind(signature, task.name, (), p, names)) for p in payloads]
    terms = _fitted(task, terms, requests)
    # One order for all callers over all chunks, as within a statement: else two of them could wait for each other.
    in_order = sorted(requests, key=lambda r: r.key.int if r.key else 0)
    answers: dict[UUID, Enqueued] = {}
    with transaction.atomic():
        for start in range(0, len(in_order), CHUNK):
            chunk = in_order[start : start + CHUNK]
            answers |= zip((r.id for r in chunk), _write(task, terms, chunk), strict=True)
    return [answers[r.id] for r in requests]


def _write(task: type["IdempotentTask"], terms: Terms, requests: Sequence[Request]) -> list[Enqueued]:
    with _told_when_busy(task):
        found = transitions.enqueue(connection, terms, requests)
    if any(f.claimable for f in found):
        hints.after_commit(terms.queue)
    return [_answer(task, r, f) for r, f in zip(requests, found, strict=True)]


def _fitted(task: type["IdempotentTask"], terms: Terms, requests: Sequence[Request]) -> Terms:
    """The terms on which these are accepted: held back where they would exceed the queue's bound.

    A queue that refuses instead raises QueueFull, before anything is written.

    Not what a running job enqueues: its effect is done, so a refusal would make a failure of it, and a queue whose jobs
    are followed by others of the same queue would never drain again. A job that fans out asks for room by itself.
    """
    look = room.take(terms.queue, len(requests))
    if look is None:
        return terms
    if conf.holds(terms.queue):
        return replace(terms, held=True)
    if task.called_by_a_job():
        return terms
    new = _count_new(requests, terms.dedupe_window)
    if new == len(requests) or (new and (look := room.take(terms.queue, new))):
        raise room.full(terms.queue, new, look)
    return terms


def _count_new(requests: Sequence[Request], window: timedelta | None) -> int:
    """How many of these no record answers for. Asked only before a refusal; making the requests took longer."""
    new = {r.key or r.id for r in requests}
    # A single request's id may be one that Celery's canvas chose, and whose record is there already.
    known = [r for r in requests if r.key or len(requests) == 1]
    for start in range(0, len(known), CHUNK):
        for found in transitions.find(connection, known[start : start + CHUNK], window):
            new.discard(found.id)
            if found.key and not found.window_passed:
                new.discard(found.key)
    return len(new)


@contextmanager
def _told_when_busy(task: type["IdempotentTask"]) -> Iterator[None]:
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


def _request(task: type["IdempotentTask"], arguments: Mapping[str, Any]) -> Request:
    return calls.request(
        task.name,
        task.dedupe_key,
        task.signature_of_run(),
        arguments,
        account=task.account,
        secret=task.account in task.sensitive,
    )


def _answer(task: type["IdempotentTask"], request: Request, found: Found) -> Enqueued:
    if found.fingerprint != request.fingerprint:
        raise KeyConflict(
            f"{task.name}: job {found.id} ({found.state}) holds this key with another payload. "
            "Put what differs into dedupe_key, or enqueue the payload that was meant.",
            found.id,
        )
    return Enqueued(found.id, found.key, found.state, found.created and found.id == request.id, found.result)


def check_priority(priority: object) -> None:
    """Raises EnqueueError where it is none."""
    if priority is not None and (type(priority) is not int or priority not in PRIORITIES):
        raise EnqueueError(f"priority is {priority!r}; it must be a whole number from -100 to 100.")


def _terms(task: type["IdempotentTask"], options: Options) -> Terms:
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


def _check_moment(moment: datetime | None) -> None:
    if moment is None:
        return
    if not isinstance(moment, datetime):
        raise EnqueueError(f"run_after is {moment!r}, not a datetime. Parse it first.")
    if moment.tzinfo is None:
        raise EnqueueError(f"run_after is {moment!r}, without a time zone. Use timezone.make_aware(…).")
    if moment - datetime.now(UTC) > FARTHEST:
        raise EnqueueError(f"run_after is {moment}, over ten years ahead. Check the year.")
