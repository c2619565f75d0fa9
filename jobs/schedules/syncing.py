"""From code to tables: what `jobs sync-schedules` would change, what it changes, and what it leaves to people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from jobs.schedules import declared as code
from jobs.schedules.declared import Schedule
from jobs.schedules.models import Declaration, Policy
from jobs.schedules.times import FIELDS

Values = dict[str, Any]
POLICIES = ("missed", "overlap", "clocks_forward", "clocks_back", "pause_after")
DEFAULTS = Policy()


@dataclass(frozen=True, slots=True)
class Change:
    """One schedule: `kind` is created, updated, edited, removed or unchanged; fields are (in the table, in code).

    `kept`: what somebody edited since the last sync; it stays, unless it is forced.
    """

    name: str
    kind: str
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    kept: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)


@transaction.atomic
def sync(*, dry_run: bool = False, force: bool = False) -> list[Change]:
    """Bring declared schedules to the tables, in one transaction. One at a time: a deploy starts on many machines."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('jobs sync-schedules', 0))")
    changes = [_one(schedule, dry_run=dry_run, force=force) for _, schedule in sorted(code.declared.items())]
    return changes + _removed(dry_run=dry_run)


def _one(schedule: Schedule, *, dry_run: bool, force: bool) -> Change:
    wanted = in_code(schedule)
    row = PeriodicTask.objects.select_for_update(of=("self",)).filter(name=schedule.name).first()
    if row is None:
        if not dry_run:
            _write(PeriodicTask(name=schedule.name), wanted, wanted)
        return Change(schedule.name, "created", {name: (None, value) for name, value in wanted.items()})
    present = in_table(row)
    known = Declaration.objects.filter(schedule=row).first()
    synced = known.values if known else {}
    differs = {name: (present[name], wanted[name]) for name in wanted if present[name] != wanted[name]}
    edited = {n: v for n, v in differs.items() if n not in synced or synced[n] != present[n]}
    kept = {} if force else edited
    fields = {name: v for name, v in differs.items() if name not in kept}
    if not dry_run and (fields or known is None or synced != wanted | {n: synced.get(n) for n in kept}):
        _write(row, present | {name: wanted[name] for name in fields}, wanted | {n: synced.get(n) for n in kept})
    kind = "updated" if fields else "edited" if kept else "unchanged"
    return Change(schedule.name, kind, fields, kept)


def _removed(*, dry_run: bool) -> list[Change]:
    """What was declared and is no more: it is disabled, and its row stays for whoever wants to know."""
    gone = PeriodicTask.objects.filter(declaration__isnull=False).exclude(name__in=code.declared).order_by("name")
    changes = [Change(row.name, "removed", {"enabled": (row.enabled, False)}) for row in gone]
    if not dry_run:
        for row in gone:
            row.enabled = False
            row.save()
            row.declaration.delete()
    return changes


def _write(row: Any, values: Values, synced: Values) -> None:
    for name in ("task", "kwargs", "queue", "priority", "enabled", "description"):
        setattr(row, name, values[name])
    row.kwargs = json.dumps(values["kwargs"])
    row.start_time = values["start"] and datetime.fromisoformat(values["start"])
    for kind in ("crontab", "interval", "clocked", "solar"):
        setattr(row, kind, None)
    setattr(row, *_times(values))
    row.one_off = row.one_off or values["at"] is not None
    row.save()
    policy = {name: values[name] for name in POLICIES} | {"catch_up": timedelta(seconds=values["catch_up"])}
    Policy.objects.update_or_create(schedule=row, defaults=policy)
    Declaration.objects.update_or_create(schedule=row, defaults={"values": synced})


def _times(values: Values) -> tuple[str, Any]:
    """The kind and the row of its times; rows are shared, as django-celery-beat shares them."""
    if values["crontab"] is not None:
        fields = dict(zip(FIELDS, values["crontab"].split(), strict=True)) | {"timezone": values["zone"]}
        return "crontab", _shared(CrontabSchedule, fields)
    if values["every"] is not None:
        return "interval", _shared(IntervalSchedule, {"every": values["every"], "period": "seconds"})
    if values["at"] is not None:
        return "clocked", _shared(ClockedSchedule, {"clocked_time": datetime.fromisoformat(values["at"])})
    return "solar", _shared(SolarSchedule, dict(zip(("event", "latitude", "longitude"), values["solar"], strict=True)))


def _shared(model: Any, fields: Values) -> Any:
    return model.objects.filter(**fields).first() or model.objects.create(**fields)


# -- both sides in the same words -------------------------------------------------------------------------------------


def in_code(schedule: Schedule) -> Values:
    return {
        "task": schedule.task.name,
        "crontab": schedule.crontab and " ".join(schedule.crontab.split()),
        "zone": schedule.zone if schedule.crontab else None,
        "every": None if schedule.every is None else int(schedule.every.total_seconds()),
        "at": _iso(schedule.at),
        "solar": schedule.solar and [schedule.solar[0], *(f"{float(n):.6f}" for n in schedule.solar[1:])],
        "start": _iso(schedule.start),
        "kwargs": json.loads(json.dumps(dict(schedule.kwargs))),
        "queue": schedule.queue,
        "priority": schedule.priority,
        "enabled": schedule.enabled,
        "description": schedule.description,
        "catch_up": int(schedule.catch_up.total_seconds()),
        **{name: getattr(schedule, name) for name in POLICIES},
    }


def in_table(row: Any) -> Values:
    policy = Policy.objects.filter(schedule=row).first() or DEFAULTS
    crontab, solar = row.crontab, row.solar
    return {
        "task": row.task,
        "crontab": crontab and " ".join("".join(getattr(crontab, f).split()) for f in FIELDS),
        "zone": crontab and str(crontab.timezone),
        "every": row.interval and int(timedelta(**{row.interval.period: row.interval.every}).total_seconds()),
        "at": _iso(row.clocked and row.clocked.clocked_time),
        "solar": solar and [solar.event, f"{solar.latitude:.6f}", f"{solar.longitude:.6f}"],
        "start": _iso(row.start_time),
        "kwargs": _loads(row.kwargs),
        "queue": row.queue,
        "priority": row.priority,
        "enabled": row.enabled,
        "description": row.description,
        "catch_up": int(policy.catch_up.total_seconds()),
        **{name: getattr(policy, name) for name in POLICIES},
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _loads(text: str) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text
