"""A bulk replay as people have it: chosen, looked at, started, paused, cancelled. `bulk_driver` drives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Now

from idempotency.models import Record
from jobs import conf
from jobs.models import BulkItem, BulkReplay, Decision
from jobs.review.decisions import Answer, note
from jobs.review.outlook import Colour, Outlook, outlook_of
from jobs.review.scope import Scope

MOST = 100_000  # jobs in one bulk replay: ten times the worst morning that we know of
MOST_CANARIES = 1_000
FASTEST = 1_000.0  # jobs a second: more than the relay could send beside its other work
LEFT_OUT = "left out, likely wrong: "
# The oldest of each cause first, so that the canary meets as many causes as it can.
CHOOSE = """
INSERT INTO jobs_bulkitem (bulk_id, number, record_id, token)
SELECT %s, row_number() OVER (ORDER BY nth, finished_at, id), id, fencing_token FROM (
    SELECT chosen.*, row_number() OVER (PARTITION BY incident ORDER BY finished_at, id) AS nth FROM ({chosen}) AS chosen
) AS counted
"""
State = BulkReplay.State


class BulkError(ValueError):
    """It cannot be done so; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How a bulk replay is to go.

    `rate` jobs a second, after `canary` jobs alone, while at most `stop_share` of the settled ones are given up again.

    Raises:
        BulkError: a number that means nothing.
    """

    rate: float = 50.0
    canary: int = 5
    stop_share: float = 0.2

    def __post_init__(self) -> None:
        if not 0 < self.rate <= FASTEST:
            raise BulkError(f"The rate is {self.rate:g} jobs a second; it must be above 0 and up to {FASTEST:g}.")
        if not 1 <= self.canary <= MOST_CANARIES:
            raise BulkError(f"The canary is {self.canary} jobs; it must be from 1 to {MOST_CANARIES}.")
        if not 0 <= self.stop_share <= 1:
            raise BulkError(f"The share to stop at is {self.stop_share:g}; it must be from 0 to 1.")


@dataclass(frozen=True, slots=True)
class Group:
    """Jobs of which a replay leads to the same, as far as it can be told without asking for each."""

    task: str
    payload_version: int
    reason: str | None
    intended: bool
    count: int
    accounts: int
    causes: int

    @property
    def outlook(self) -> Outlook:
        return outlook_of(self.task, self.payload_version, self.reason, intended=self.intended)


# -- choosing ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def draft(scope: Scope, *, by: str) -> BulkReplay:
    """Keep the jobs that a filter chooses now, as they stand, for a person to look at. Nothing is replayed yet.

    Raises:
        BulkError: no given-up job fits.
    """
    pace = Pace()
    bulk = BulkReplay.objects.create(
        by=by, scope=scope.as_dict(), state=State.DRAFT, total=0,
        rate=pace.rate, canary=pace.canary, stop_share=pace.stop_share,
    )  # fmt: skip
    chosen = scope.records().order_by("finished_at", "id").values("id", "fencing_token", "finished_at", "incident")
    sql, params = chosen[:MOST].query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(CHOOSE.format(chosen=sql), [bulk.pk, *params])
        bulk.total = cursor.rowcount
    if not bulk.total:
        raise BulkError("No given-up job fits this filter.")
    bulk.save(update_fields=["total"])
    return bulk


def unchanged(bulk: BulkReplay) -> QuerySet[Record]:
    """Its records that are still as they were chosen."""
    same = BulkItem.objects.filter(bulk=bulk, record_id=OuterRef("id"), token=OuterRef("fencing_token"))
    return Record.objects.filter(Exists(same))


def groups(records: QuerySet[Record]) -> list[Group]:
    """What a replay of all of them would lead to: what is likely wrong first, then the largest."""
    rows = (
        records.annotate(intended=Q(intent_at__isnull=False))
        .values("task", "payload_version", "reason", "intended")
        .annotate(
            count=Count("id"),
            accounts=Count("account", distinct=True, filter=~Q(account="")),
            causes=Count("incident", distinct=True),
        )
        .order_by("-count", "task", "reason")
    )
    found = [Group(**row) for row in rows]
    heat = [Colour.RED, Colour.AMBER, Colour.GREEN].index
    return sorted(found, key=lambda group: heat(group.outlook.colour))


def tally(found: list[Group]) -> dict[str, int]:
    """How many jobs are green, amber and red."""
    return {c.value: sum(g.count for g in found if g.outlook.colour is c) for c in Colour}


# -- deciding ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def start(bulk: BulkReplay, pace: Pace, *, by: str, why: str, red: bool = False) -> Answer:
    """Let the relay begin, or somebody else approve first. Jobs that are likely wrong are left out, unless `red`."""
    awaits = conf.needs_second("bulk")
    begun = State.AWAITING_APPROVAL if awaits else State.CANARY
    drafts = BulkReplay.objects.filter(pk=bulk.pk, state=State.DRAFT, by=by)
    if not drafts.update(
        state=begun, why=why, rate=pace.rate, canary=pace.canary, stop_share=pace.stop_share, created_at=Now()
    ):
        return _too_late(bulk)
    if not red:
        _leave_out_red(bulk)
    _note(bulk, begun, by=by, why=why)
    return Answer(done=True, sentence="somebody else has to approve it" if awaits else "the canary goes first")


def _leave_out_red(bulk: BulkReplay) -> None:
    records = unchanged(bulk)
    for group in groups(records):
        if group.outlook.colour is Colour.RED:
            about = {name: getattr(group, name) for name in ("task", "payload_version", "reason")}
            of_group = records.filter(intent_at__isnull=not group.intended, **about)
            BulkItem.objects.filter(bulk=bulk, record_id__in=of_group.values("id")).update(
                answer=LEFT_OUT + group.outlook.sentence, answered_at=Now()
            )


@dataclass(frozen=True, slots=True)
class Move:
    """What a person may do with a bulk replay that was started."""

    name: str
    sources: tuple[State, ...]
    sets: Mapping[str, Any]
    will: str
    done: str
    danger: bool = False


def _ended() -> dict[str, Any]:
    return {"finished_at": Now()}


def _resumed() -> dict[str, Any]:
    """One that stopped begins anew with what is left: else the failures that stopped it would stop it at once."""
    stopped = Q(state=State.STOPPED)
    return {
        "state": Case(When(stopped, then=Value(State.CANARY.value, TextField())), default=F("paused_from")),
        "resumed_at": Case(When(stopped, then=Now()), default=F("resumed_at")),
        "paused_from": None,
        "finished_at": None,
    }


MOVES = {
    move.name: move
    for move in (
        Move(
            "approve", (State.AWAITING_APPROVAL,), {"state": State.CANARY},
            "Its canary goes at once, the rest when that went well.", "approved: the canary goes first",
        ),
        Move(
            "pause", (State.CANARY, State.RUNNING), {"paused_from": F("state"), "state": State.PAUSED},
            "No further job is sent until somebody resumes it. Those that were sent run on.", "paused",
        ),
        Move(
            "resume", (State.PAUSED, State.STOPPED), _resumed(),
            "It goes on where it was, at the same pace. If it stopped by itself, a canary goes first again, and only "
            "what is sent from now on decides whether it stops.", "it goes on",
        ),
        Move(
            "cancel", (State.AWAITING_APPROVAL, State.CANARY, State.RUNNING, State.PAUSED),
            {"state": State.CANCELLED, **_ended()},
            "No further job is sent, for good. Those that were sent run on; the others stay given up.", "cancelled",
            danger=True,
        ),
    )
}  # fmt: skip


def moves(bulk: BulkReplay) -> list[Move]:
    """What can be done with it as it stands."""
    return [move for move in MOVES.values() if bulk.state in move.sources]


@transaction.atomic
def decide(bulk: BulkReplay, move: Move, *, by: str, why: str) -> Answer:
    """Make one move, once.

    Raises:
        BulkError: one cannot approve what one started oneself.
    """
    found = BulkReplay.objects.filter(pk=bulk.pk, state__in=move.sources)
    sets = {**move.sets, "state_why": f"{by}: {why}"}
    if move.name == "approve":
        if bulk.by == by:
            raise BulkError("Somebody else has to approve what you started.")
        sets["approved_by"] = by
    if not found.update(**sets):
        return _too_late(bulk)
    bulk.refresh_from_db()
    _note(bulk, bulk.state, by=by, why=why, move=move.name)
    return Answer(done=True, sentence=move.done)


def _note(bulk: BulkReplay, state: str, *, by: str, why: str, move: str = "start") -> None:
    note(Decision.Action.BULK, by=by, why=why, bulk=bulk, after={"move": move, "state": state, "jobs": bulk.total})


def _too_late(bulk: BulkReplay) -> Answer:
    bulk.refresh_from_db()
    newest = Decision.objects.filter(bulk=bulk, action=Decision.Action.BULK).order_by("-id").first()
    first = f"{newest.by} decided first ({newest.at:%H:%M:%S} UTC); " if newest else ""
    return Answer(done=False, sentence=f"{first}it is {bulk.get_state_display().lower()} now")
