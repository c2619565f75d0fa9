"""Replay from the admin: a person sends given-up jobs again, having seen what each was and how it ended.

The person confirms what was on the page: each record's fencing token goes through the form, so that a record which
changed in between, or a second click, replays nothing.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from django.db import IntegrityError, connection, transaction

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.models import Record
from idempotency.states import REVIEWABLE, Reason
from jobs import hints
from jobs.task import registered

MOST = 100  # records in one go: as many as a person can read


class Answer(StrEnum):
    REPLAYED = "replayed"
    CHANGED = "it has changed since the page was shown"
    KEY_TAKEN = "a newer job holds its key"
    GONE = "it is gone"


class Effect(StrEnum):
    """Whether something outside the database may have happened already."""

    MAYBE = "may have happened"
    LOOKED_UP = "looked up before the job runs again"
    NONE = "none known"
    UNKNOWN = "not known: this process does not know the task"


RISKY = frozenset({Effect.MAYBE, Effect.UNKNOWN})


def can_be_replayed(record: Record) -> bool:
    return record.state in REVIEWABLE and record.pruned_at is None


def effect_of(record: Record) -> Effect:
    """What a person should assume before sending the record again."""
    task = registered().get(record.task)
    if record.reason == Reason.UNKNOWN_OUTCOME:
        return Effect.MAYBE
    if task is None:
        return Effect.UNKNOWN
    if task.already_done is not None:
        return Effect.LOOKED_UP
    return Effect.MAYBE if record.intent_at or task.vendor else Effect.NONE


def replay(seen: Sequence[Seen]) -> Iterator[tuple[Record | Seen, Answer]]:
    """Replay each in a savepoint of its own, inside the caller's transaction; one answer per record."""
    records = Record.objects.in_bulk([s.id for s in seen])
    for one in seen:
        record = records.get(one.id)
        yield (record, _replay(record, one.token)) if record else (one, Answer.GONE)


def _replay(record: Record, token: int) -> Answer:
    try:
        with transaction.atomic():
            replayed = transitions.replay(connection, [Seen(record.id, token)])
    except IntegrityError:  # a newer job took the key between the statement's look and its write
        return Answer.KEY_TAKEN
    if replayed:
        hints.after_commit(record.queue)
        return Answer.REPLAYED
    unchanged = Record.objects.filter(
        id=record.id, state__in=REVIEWABLE, fencing_token=token, pruned_at__isnull=True
    ).exists()
    return Answer.KEY_TAKEN if unchanged else Answer.CHANGED
