"""What the beat is to enqueue, and when, as django-celery-beat's tables say."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps

from jobs.schedules import reads

MOST = 50  # on one page


@dataclass(frozen=True, slots=True)
class Planned:
    """One schedule. `next` None: it is off, or nobody can tell."""

    name: str
    task: str
    rule: str
    enabled: bool
    last: datetime | None
    next: datetime | None


def planned(at: datetime) -> list[Planned]:
    """Those that are on first, by name; none where django-celery-beat is not installed."""
    if not apps.is_installed("django_celery_beat"):
        return []
    model: Any = apps.get_model("django_celery_beat", "PeriodicTask")
    related = ["interval", "crontab", "solar", "clocked", *(["position"] if reads.installed() else [])]
    entries = model.objects.select_related(*related).exclude(task="celery.backend_cleanup")
    return [_planned(entry, at) for entry in entries.order_by("-enabled", "name")[:MOST]]


def _planned(entry: Any, at: datetime) -> Planned:
    return Planned(
        entry.name, entry.task, str(entry.scheduler or ""), entry.enabled, entry.last_run_at, _next(entry, at)
    )


def _next(entry: Any, at: datetime) -> datetime | None:
    if not entry.enabled:
        return None
    if position := getattr(entry, "position", None):
        due: datetime | None = position.next_due_at
        return due
    try:
        found: datetime = at + entry.schedule.remaining_estimate(entry.last_run_at or at)
        found = (found + timedelta(milliseconds=500)).replace(
            microsecond=0
        )  # its clock and the database's differ a little
    except Exception:  # noqa: BLE001 - a schedule that cannot be read must not take the page away
        return None
    return found
