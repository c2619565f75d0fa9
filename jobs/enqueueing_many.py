"""Many jobs at once: some of them are made into requests while PostgreSQL writes those before them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload
from uuid import UUID

from django.db import connection, transaction

from idempotency import transitions
from idempotency.claims import Request, Terms
from idempotency.connection import pipelined
from idempotency.states import State
from jobs import hints, observers
from jobs.enqueueing import CHUNK, Enqueued, answer_of, fitted, terms_of, told_when_busy
from jobs.metrics import callers
from jobs.observers import Enqueuing
from jobs.options import Options

if TYPE_CHECKING:
    from idempotency.new_records import Sent
    from jobs.task import IdempotentTask

PIECE = 100  # records at once of a COPY: a socket holds several, so that PostgreSQL is busy while others are made
T = TypeVar("T")
Name = tuple[str, str | None]  # of a request: its id and its key, as hexadecimal digits


class Answers(Sequence[Enqueued]):
    """One answer per payload, in their order; each is made when it is looked at, because few are."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, names: Sequence[Name], others: Mapping[str, Enqueued]) -> None:
        """`others`: by a request's id, what an older record answers."""
        self._names, self._others = names, others

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, index: int) -> Enqueued: ...
    @overload
    def __getitem__(self, index: slice) -> list[Enqueued]: ...
    def __getitem__(self, index: int | slice) -> Enqueued | list[Enqueued]:
        if isinstance(index, slice):
            return [self._answer(*name) for name in self._names[index]]
        return self._answer(*self._names[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    def __repr__(self) -> str:
        return repr(list(self))

    def _answer(self, id_: str, key: str | None) -> Enqueued:
        if (other := self._others.get(id_)) is not None:
            return other
        return Enqueued(UUID(id_), None if key is None else UUID(key), State.QUEUED, True, None)


def enqueue_many(
    task: type["IdempotentTask"], options: Options, payloads: Iterable[Mapping[str, Any]]
) -> Sequence[Enqueued]:
    """Write many records, all or none; see `IdempotentTask.enqueue_many`."""
    given = list(payloads)  # to its end, before anything is under way: what it does may use the same connection
    if not observers.watching:
        return _enqueue_many(task, options, given)
    watched = Enqueuing(task, options.queue or task.queue)
    with observers.around(lambda o: o.enqueuing(watched)):
        answers = _enqueue_many(task, observers.with_headers(options, watched.headers), given)
        watched.answers = answers
    return answers


def _enqueue_many(task: type["IdempotentTask"], options: Options, payloads: list[Mapping[str, Any]]) -> Answers:
    terms, names = terms_of(task, options), list[Name]()
    if task.dedupe_key is None and len(payloads) > CHUNK:
        terms = fitted(task, terms, len(payloads), lambda: [*task.requests_for(payloads)])
        _copy(terms, map(partial(_made, task, names), _chunks(payloads, PIECE)))
        return Answers(names, {})
    requests = _made(task, names, payloads)
    terms = fitted(task, terms, len(requests), lambda: requests)
    # One order for all callers over all chunks, as within a statement: else two of them could wait for each other.
    in_order = sorted(requests, key=lambda r: r.key or "")
    return Answers(names, _write(task, terms, _chunks(in_order), many=len(requests) > CHUNK))


@transaction.atomic
def _copy(terms: Terms, pieces: Iterator[Sequence[Request]]) -> None:
    """Write records without keys, some while the next ones are made."""
    if transitions.enqueue_new(connection, terms, pieces):
        hints.after_commit(terms.queue)


def _made(task: type["IdempotentTask"], names: list[Name], payloads: Sequence[Mapping[str, Any]]) -> list[Request]:
    """The requests of some payloads; their names are noted."""
    made = [*task.requests_for(payloads)]
    names += [request[:2] for request in made]
    return made


def _chunks(of: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    return (of[start : start + size] for start in range(0, len(of), size))


def _write(
    task: type["IdempotentTask"], terms: Terms, chunks: Iterator[Sequence[Request]], *, many: bool
) -> dict[str, Enqueued]:
    """Write chunk after chunk, each sent while the one before is being written; returns what older records answer."""
    missing: list[Request] = []
    with told_when_busy(task), transaction.atomic():
        with pipelined(connection) if many else nullcontext():
            for claimable, others in _answers(terms, chunks):
                missing += others
                if claimable:
                    hints.after_commit(terms.queue)
        old = {id_: answer for some in _chunks(missing) for id_, answer in _others(task, terms, some)}
        callers.answered(terms.queue, len(old))
        return old


def _answers(terms: Terms, chunks: Iterator[Sequence[Request]]) -> Iterator[tuple[bool, list[Request]]]:
    """Of each statement, when the next one is on its way already."""
    under_way: Sent | None = None
    for chunk in chunks:
        sent = transitions.send_enqueue(connection, terms, chunk)
        if under_way:
            yield under_way.answer()
        under_way = sent
    if under_way:
        yield under_way.answer()


def _others(
    task: type["IdempotentTask"], terms: Terms, missing: Sequence[Request]
) -> Iterator[tuple[str, Enqueued]]:  # fmt: skip
    """What older records answer, or another payload of the same call."""
    found, claimable = transitions.answer_for(connection, terms, missing)
    if claimable:
        hints.after_commit(terms.queue)
    return ((r.id, answer_of(task, r, found[r.id])) for r in missing if r.id in found)
