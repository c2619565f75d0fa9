"""The inbox: given-up jobs by their cause, read in a few statements whatever their number."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Max, Min, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.fields import IntegerField

from idempotency.models import Record
from idempotency.states import State
from jobs.models import Incident as Assigned
from jobs.review.scope import Scope
from jobs.task import registered

TREND = 24  # bars, an hour each
MOST = 200  # incidents on one page: more causes at a time are one cause
HOURS_AGO = "floor(extract(epoch FROM statement_timestamp() - finished_at) / 3600)::int"


@dataclass(slots=True)
class Incident:
    """All given-up jobs with one cause."""

    fingerprint: UUID
    task: str
    count: int
    permanent: int
    accounts: int
    queues: list[str]
    oldest: datetime
    newest: datetime
    doubtful: int  # whose effect may have happened
    newest_id: UUID | None = None
    error: str = ""  # of the newest
    assignee: str | None = None
    trend: list[int] = field(default_factory=lambda: [0] * TREND)

    @property
    def dead_lettered(self) -> int:
        return self.count - self.permanent

    @property
    def error_class(self) -> str:
        return self.error.partition(":")[0]

    @property
    def message(self) -> str:
        """The newest job's, its first line."""
        return self.error.partition(":")[2].strip().partition("\n")[0]

    @property
    def vendor(self) -> str | None:
        task = registered().get(self.task)
        return task.vendor if task else None

    @property
    def owner(self) -> str | None:
        task = registered().get(self.task)
        return task.owner if task else None

    @property
    def lately(self) -> int:
        return sum(self.trend)


def inbox(scope: Scope) -> list[Incident]:
    """The incidents of a scope, the newest first, up to `MOST` of them."""
    records = scope.records()
    found = {row["incident"]: Incident(fingerprint=row.pop("incident"), **row) for row in _grouped(records)}
    for fingerprint, id_, error in _newest(records.filter(incident__in=found)):
        found[fingerprint].newest_id, found[fingerprint].error = id_, error or ""
    for fingerprint, hours, count in _by_hour(records.filter(incident__in=found)):
        found[fingerprint].trend[TREND - 1 - hours] = count
    for assigned in Assigned.objects.filter(fingerprint__in=found, assignee__isnull=False).select_related("assignee"):
        found[assigned.fingerprint].assignee = str(assigned.assignee)
    return list(found.values())


def affected(scope: Scope) -> list[tuple[str, int]]:
    """The accounts with most given-up jobs, and how many each."""
    rows = scope.records().exclude(account="").values_list("account").annotate(n=Count("id")).order_by("-n")[:20]
    return [(account, n) for account, n in rows]


def _grouped(records: QuerySet[Record]) -> Any:
    return (
        records.values("incident", "task")
        .annotate(
            count=Count("id"),
            permanent=Count("id", filter=Q(state=State.FAILED_PERMANENT)),
            accounts=Count("account", distinct=True, filter=~Q(account="")),
            queues=ArrayAgg("queue", distinct=True),
            oldest=Min("finished_at"),
            newest=Max("finished_at"),
            doubtful=Count("id", filter=Q(intent_at__isnull=False)),
        )
        .order_by("-newest")[:MOST]
    )


def _newest(records: QuerySet[Record]) -> QuerySet[Record, tuple[UUID, UUID, str | None]]:
    newest = records.order_by("incident", "-finished_at", "-id").distinct("incident")
    return newest.values_list("incident", "id", "error")


def _by_hour(records: QuerySet[Record]) -> QuerySet[Record, tuple[UUID, int, int]]:
    hours = RawSQL(HOURS_AGO, (), output_field=IntegerField())  # noqa: S611 - a constant
    lately = records.annotate(hours=hours).filter(hours__gte=0, hours__lt=TREND)
    return lately.values_list("incident", "hours").annotate(n=Count("id")).order_by()
