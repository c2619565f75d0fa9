"""How far a bulk replay has come, read in a few statements whatever its size."""

from dataclasses import asdict, dataclass

from django.db.models import Count, Min, Q, QuerySet, TextField
from django.db.models.functions import Cast

from idempotency.models import Record
from idempotency.states import REVIEWABLE, Reason, State
from jobs.models import BulkItem, BulkReplay

REPLAYED = "replayed"  # an item's answer; whatever else stands there says why the job was left alone
MOST_ANSWERS = 20  # reasons to leave jobs alone on one page


@dataclass(frozen=True, slots=True)
class Left:
    """Jobs that were not replayed, for one reason."""

    why: str
    count: int
    example: str  # a job's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """How the jobs ended that were replayed, and how many have only failed an attempt so far."""

    succeeded: int
    given_up: int
    cancelled: int
    retried: int

    @property
    def settled(self) -> int:
        return self.succeeded + self.given_up + self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts(Ends):
    """Of all of a bulk replay's jobs."""

    total: int
    waiting: int
    replayed: int

    @property
    def answered(self) -> int:
        return self.total - self.waiting

    @property
    def left(self) -> int:
        return self.answered - self.replayed

    @property
    def under_way(self) -> int:
        return self.replayed - self.settled


def count(bulk: BulkReplay) -> Counts:
    told = BulkItem.objects.filter(bulk=bulk).aggregate(
        waiting=Count("number", filter=Q(answer__isnull=True)), replayed=Count("number", filter=Q(answer=REPLAYED))
    )
    return Counts(total=bulk.total, **told, **asdict(outcomes(bulk)))


def outcomes(bulk: BulkReplay) -> Ends:
    return _ends(replayed(bulk))


def outcomes_that_count(bulk: BulkReplay) -> tuple[int, Ends]:
    """How many were sent that decide whether it stops, and their ends: of one that was resumed, those since then."""
    items = BulkItem.objects.filter(bulk=bulk, answer=REPLAYED)
    if bulk.resumed_at is not None:
        items = items.filter(answered_at__gte=bulk.resumed_at)
    return items.count(), _ends(Record.objects.filter(id__in=items.values("record_id")))


def _ends(records: QuerySet[Record]) -> Ends:
    """An item that was replayed has raised its job's token: whatever end the job has came after it."""
    cancelled = Q(reason=Reason.CANCELLED)
    found = records.aggregate(
        succeeded=Count("id", filter=Q(state=State.SUCCEEDED)),
        given_up=Count("id", filter=Q(state__in=REVIEWABLE) & ~cancelled),
        cancelled=Count("id", filter=Q(state__in=REVIEWABLE) & cancelled),
        retried=Count("id", filter=Q(state=State.QUEUED, attempt__gt=0)),
    )
    return Ends(**found)


def replayed(bulk: BulkReplay) -> QuerySet[Record]:
    """Its records that were sent again, as they are now."""
    return Record.objects.filter(id__in=BulkItem.objects.filter(bulk=bulk, answer=REPLAYED).values("record_id"))


def given_up_again(bulk: BulkReplay) -> QuerySet[Record]:
    return replayed(bulk).filter(state__in=REVIEWABLE).exclude(reason=Reason.CANCELLED).order_by("-finished_at", "-id")


def left_alone(bulk: BulkReplay) -> list[Left]:
    """Why jobs were not replayed, the most frequent reasons first, each with one of its jobs."""
    rows = (
        BulkItem.objects.filter(bulk=bulk, answer__isnull=False)
        .exclude(answer=REPLAYED)
        .values("answer")
        .annotate(n=Count("number"), example=Min(Cast("record_id", TextField())))
        .order_by("-n", "answer")[:MOST_ANSWERS]
    )
    return [Left(row["answer"] or "", row["n"], row["example"]) for row in rows]
