"""The relay's part in bulk replays: a slice at a time, each one short transaction with the answers of its jobs.

So nothing is lost and nothing doubled when a relay, a web process or the database dies: what was committed has its
answers, what was not is still to do. Any number of relays may run; the row of a bulk replay is one relay's at a time.
"""

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from idempotency import reads
from idempotency.claims import Seen
from jobs import log_events
from jobs.models import BulkItem, BulkReplay
from jobs.own_connection import OwnConnection
from jobs.review import decisions
from jobs.review.bulk_counts import REPLAYED, Ends, outcomes_that_count
from jobs.review.decisions import Answer
from jobs.room import SHARE

logger = logging.getLogger(__name__)

State = BulkReplay.State
LIVE = (State.CANARY, State.RUNNING)
LIVE_ONES = "SELECT id FROM jobs_bulkreplay WHERE state = ANY(%s) ORDER BY id"
FORGET_DRAFTS = """
WITH old AS (SELECT id FROM jobs_bulkreplay WHERE state = 'draft' AND created_at < statement_timestamp() - %s),
    items AS (DELETE FROM jobs_bulkitem WHERE bulk_id IN (SELECT id FROM old))
DELETE FROM jobs_bulkreplay WHERE id IN (SELECT id FROM old)
"""
DRAFTS_LAST = timedelta(hours=2)  # longer than the page that can start one is valid
SLICE = 200  # jobs in one transaction: some ten milliseconds
CATCHES_UP = timedelta(seconds=1)  # of its pace, after a relay was away: no burst
SHORTEST_REST = 0.025  # seconds between two slices
ENOUGH = 20  # settled jobs from which a share says something
PATIENCE = "2s"  # for a row that somebody else decides about: hints must not wait behind it
ANSWER = """
UPDATE jobs_bulkitem SET answer = told.answer, answered_at = statement_timestamp()
FROM unnest(%s::int[], %s::text[]) AS told (number, answer)
WHERE bulk_id = %s AND jobs_bulkitem.number = told.number
"""


@dataclass(frozen=True, slots=True)
class Stepped:
    """What one step did, and in how many seconds the next one is due."""

    replayed: int = 0
    next_in: float = math.inf


class BulkReplays:
    """What one relay remembers: when to look again how the jobs end, so that it takes a small share of the time."""

    def __init__(self) -> None:
        self._looks_again: dict[int, float] = {}

    def due(self, own: OwnConnection) -> Stepped:
        """Take each live bulk replay one step further."""
        live = own.once(_live)
        self._looks_again = {pk: at for pk, at in self._looks_again.items() if pk in live}
        done = Stepped()
        for pk in live:
            stepped = self._step(pk)
            done = Stepped(done.replayed + stepped.replayed, min(done.next_in, stepped.next_in))
        return done

    def _step(self, pk: int) -> Stepped:
        close_old_connections()
        began = time.monotonic()
        looks = began >= self._looks_again.get(pk, 0.0)
        try:
            stepped = step(pk, looks=looks)
        except (DatabaseError, InterfaceError) as error:  # nothing was written: the next tick tries it again
            logger.warning("bulk replay %s: %s", pk, error, extra=log_events.BULK_STUMBLED)
            if not connection.in_atomic_block:
                connection.close()
            return Stepped()
        if looks:
            self._looks_again[pk] = time.monotonic() + SHARE * (time.monotonic() - began)
        return stepped


def forget_drafts(connection: Any) -> None:
    """Delete what was looked at and not started."""
    connection.execute(FORGET_DRAFTS, (DRAFTS_LAST,))


@transaction.atomic
def step(pk: int, *, looks: bool = True) -> Stepped:
    """One slice of one bulk replay, unless another relay is at it; `looks`: see first how the jobs ended so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
    bulk = BulkReplay.objects.select_for_update(skip_locked=True).filter(pk=pk, state__in=LIVE).first()
    if bulk is None:
        return Stepped()
    return _canary(bulk) if bulk.state == State.CANARY else _paced(bulk, looks=looks)


def _canary(bulk: BulkReplay) -> Stepped:
    """Replay a few, and go on when all of them have ended well."""
    sent, ends = outcomes_that_count(bulk)
    taken, replayed = _replay(bulk, bulk.canary - sent)
    if taken:
        return Stepped(replayed, SHORTEST_REST)
    if ends.given_up > bulk.stop_share * sent:
        _stop(bulk, f"{ends.given_up} of {sent} jobs of the canary were given up again")
    elif ends.settled >= sent:
        _set(bulk, state=State.RUNNING, paced_at=Now())
        return Stepped(next_in=SHORTEST_REST)
    return Stepped()


def _paced(bulk: BulkReplay, *, looks: bool) -> Stepped:
    """Replay as many as its pace allows by now."""
    if looks and _fails(bulk, ends := outcomes_that_count(bulk)[1]):
        _stop(bulk, f"{ends.given_up} of {ends.settled} settled jobs were given up again")
        return Stepped()
    one = timedelta(seconds=1 / bulk.rate)
    now = reads.now(connection)
    since = max(bulk.paced_at or now, now - max(CATCHES_UP, one))
    taken, replayed = _replay(bulk, min(SLICE, (now - since) // one))
    if not _open_items(bulk).exists():
        _set(bulk, state=State.FINISHED, finished_at=Now())
        return Stepped(replayed)
    _set(bulk, paced_at=since + taken * one)
    return Stepped(replayed, max(SHORTEST_REST, one.total_seconds()))


def _fails(bulk: BulkReplay, ends: Ends) -> bool:
    return ends.settled >= min(ENOUGH, bulk.total) and ends.given_up > bulk.stop_share * ends.settled


def _replay(bulk: BulkReplay, most: int) -> tuple[int, int]:
    """Replay the next jobs and keep what became of each; returns how many had their turn, and were replayed."""
    numbers = {Seen(i.record_id, i.token): i.number for i in _open_items(bulk)[: max(0, most)]}
    if not numbers:
        return 0, 0
    answers = decisions.replay(list(numbers), by=bulk.by, why=bulk.why, bulk=bulk)
    _keep(bulk, {number: answers[seen.id] for seen, number in numbers.items()})
    return len(numbers), sum(answer.done for answer in answers.values())


def _open_items(bulk: BulkReplay) -> QuerySet[BulkItem]:
    return BulkItem.objects.filter(bulk=bulk, answer__isnull=True).order_by("number")


def _keep(bulk: BulkReplay, answers: Mapping[int, Answer]) -> None:
    texts = [REPLAYED if answer.done else answer.sentence for answer in answers.values()]
    with connection.cursor() as cursor:
        cursor.execute(ANSWER, [list(answers), texts, bulk.pk])


def _stop(bulk: BulkReplay, why: str) -> None:
    _set(bulk, state=State.STOPPED, state_why=why, finished_at=Now())


def _set(bulk: BulkReplay, **values: Any) -> None:
    """The row is locked by this transaction."""
    BulkReplay.objects.filter(pk=bulk.pk).update(**values)


def _live(connection: Any) -> list[int]:
    return [pk for (pk,) in connection.execute(LIVE_ONES, ([*LIVE],)).fetchall()]
