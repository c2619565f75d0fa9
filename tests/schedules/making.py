"""Schedules for tests, as a person makes them in the admin, and what the ledger says of them."""

import json
from datetime import UTC, datetime, timedelta

from django.db import connection
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from jobs.schedules import adopting, firing
from jobs.schedules.models import Policy, Position, Tick
from jobs.schedules.statements import run

FIELDS = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")


def schedule(name="a schedule", task="tests.app.mark_each_time", *, policy=None, kwargs=None, **when):
    """Make a schedule: `every=timedelta(…)`, `crontab="0 4 * * *"` with `zone`, `clocked=…` or `solar=(…)`."""
    options = {name: when.pop(name) for name in ("args", "queue", "one_off", "expires", "start_time", "headers",
                                                 "expire_seconds", "priority", "exchange") if name in when}  # fmt: skip
    made = PeriodicTask.objects.create(
        name=name,
        task=task,
        kwargs=json.dumps({"name": name} if kwargs is None else kwargs),
        **_when(**when),
        **options,
    )
    if policy:
        Policy.objects.create(schedule=made, **policy)
    return made


def _when(every=None, crontab=None, zone="UTC", clocked=None, solar=None):
    if every is not None:
        seconds = int(every.total_seconds())
        return {"interval": IntervalSchedule.objects.get_or_create(every=seconds, period="seconds")[0]}
    if crontab is not None:
        fields = dict(zip(FIELDS, crontab.split(), strict=True))
        return {"crontab": CrontabSchedule.objects.create(**fields, timezone=zone)}
    if clocked is not None:
        return {"clocked": ClockedSchedule.objects.create(clocked_time=clocked), "one_off": True}
    event, latitude, longitude = solar
    return {"solar": SolarSchedule.objects.create(event=event, latitude=latitude, longitude=longitude)}


def adopt() -> None:
    adopting.follow_edits()


def turn(made, beat="test") -> int:
    return firing.take(made.pk, beat)


def beats_were_down_for(span, *schedules) -> None:
    """As if no beat had looked for this long: positions are where they would be."""
    for made in schedules or PeriodicTask.objects.all():
        position = Position.objects.get(schedule=made)
        position.accounted_until -= span
        position.anchored_at -= span
        position.next_due_at = position.accounted_until + timedelta(microseconds=1)
        position.save()
        for tick in Tick.objects.filter(schedule=made.name).order_by("nominal"):
            Tick.objects.filter(pk=tick.pk).update(nominal=tick.nominal - span)


def stand_at(moment, made) -> None:
    """Every tick up to this moment is accounted for."""
    Position.objects.filter(schedule=made).update(accounted_until=moment, next_due_at=moment)


def ledger(made_or_name) -> list[tuple[str, datetime]]:
    name = getattr(made_or_name, "name", made_or_name)
    rows = Tick.objects.filter(schedule=name).order_by("nominal")
    return [(row.outcome, row.nominal) for row in rows]


def outcomes(made_or_name) -> list[str]:
    return [outcome for outcome, _ in ledger(made_or_name)]


def whys(made_or_name) -> list[str]:
    name = getattr(made_or_name, "name", made_or_name)
    return list(Tick.objects.filter(schedule=name).order_by("nominal").values_list("why", flat=True))


def now() -> datetime:
    found: datetime = run("now")[0][0]
    return found.astimezone(UTC)


def end_jobs(state="succeeded") -> None:
    """End every job at once, as workers would, without them."""
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "UPDATE idempotency_record SET state = %s, finished_at = statement_timestamp(), line = NULL, reason = %s "
            "WHERE state IN ('queued', 'processing')",
            (state, None if state == "succeeded" else "permanent"),
        )
        cursor.execute("RESET session_replication_role")
