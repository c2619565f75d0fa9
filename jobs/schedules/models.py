"""What schedules add to django-celery-beat's tables: a policy and a position each, the ledger of ticks, the beats."""

from datetime import timedelta
from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django_celery_beat.models import PeriodicTask


class Missed(models.TextChoices):
    """What becomes of ticks that no beat saw in time."""

    LATEST = "latest", "fire the latest, once"
    ALL = "all", "fire all of them"
    SKIP = "skip", "fire none"


class Overlap(models.TextChoices):
    """What becomes of a tick while the job of the tick before it is not done."""

    ALLOW = "allow", "both jobs run"
    SKIP = "skip", "the tick is skipped"
    QUEUE = "queue", "the tick waits until that job has ended"


class Forward(models.TextChoices):
    """What becomes of wall-clock times that do not exist, because the clocks go forward over them."""

    AUTO = "auto", "once for a time of day, skip for a pace"
    SKIP = "skip", "they do not tick"
    ONCE = "once", "one tick for all of them, at the moment of the change"


class Back(models.TextChoices):
    """What becomes of wall-clock times that come twice, because the clocks go back over them."""

    AUTO = "auto", "once for a time of day, both for a pace"
    ONCE = "once", "the first one ticks"
    BOTH = "both", "both tick"
    SKIP = "skip", "neither ticks"


class Policy(models.Model):
    """What people decide about a schedule beyond its times. No row: the defaults hold."""

    schedule = models.OneToOneField(PeriodicTask, on_delete=models.CASCADE, primary_key=True, related_name="policy")
    missed = models.TextField(
        choices=Missed.choices, default=Missed.LATEST, help_text="ticks that no beat saw in time: all were down"
    )
    catch_up = models.DurationField(
        default=timedelta(days=7), help_text="how old a tick may be and still fire late, or wait its turn"
    )
    overlap = models.TextField(
        choices=Overlap.choices, default=Overlap.ALLOW, help_text="a tick while the job before it is not done"
    )
    clocks_forward = models.TextField(
        choices=Forward.choices, default=Forward.AUTO, help_text="crontab: times of day that a DST change leaves out"
    )
    clocks_back = models.TextField(
        choices=Back.choices, default=Back.AUTO, help_text="crontab: times of day that a DST change brings twice"
    )
    pause_after = models.PositiveIntegerField(
        null=True, blank=True, help_text="jobs given up one after the other until the schedule pauses; empty: never"
    )

    class Meta:
        verbose_name_plural = "policy"
        default_permissions = ()

    def __str__(self) -> str:
        return "policy"


class Position(models.Model):
    """How far a schedule has come. Written by beats, each time in the transaction that writes its ticks."""

    schedule = models.OneToOneField(PeriodicTask, on_delete=models.CASCADE, primary_key=True, related_name="position")
    timing = models.JSONField(null=True, help_text="the times that it stands on; empty: it was disabled")
    anchored_at = models.DateTimeField(help_text="what intervals count from")
    accounted_until = models.DateTimeField(help_text="every tick up to here is in the ledger")
    next_due_at = models.DateTimeField(null=True, help_text="empty: it ticks no more, or cannot be read")
    problem = models.TextField(null=True, help_text="why its times cannot be read")
    last_record_id = models.UUIDField(null=True, help_text="the job of its newest tick that fired")
    paused_at = models.DateTimeField(null=True)
    paused_why = models.TextField(null=True)
    resumed_at = models.DateTimeField(null=True, help_text="failures before it count no more")

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index("next_due_at", name="position_due", condition=models.Q(next_due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"accounted until {self.accounted_until}"


class Declaration(models.Model):
    """What `jobs sync-schedules` wrote the last time: where the table differs from it, a person has edited it."""

    schedule = models.OneToOneField(
        PeriodicTask, on_delete=models.CASCADE, primary_key=True, related_name="declaration"
    )
    values = models.JSONField(help_text="field → value")
    synced_at = models.DateTimeField(auto_now=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "declared in code"


class Tick(models.Model):
    """The ledger: what became of one planned moment of one schedule, in one row."""

    class Outcome(models.TextChoices):
        FIRED = "fired"
        WAITING = "waiting"  # for the job before it, or for room in its queue
        SKIPPED = "skipped"  # somebody was there, and there is a reason
        MISSED = "missed"  # nobody was there in time, and the policy lets it go
        BACKFILLED = "backfilled"  # a person asked for it afterwards

    schedule = models.TextField(help_text="its name: the ledger outlives the schedule")
    nominal = models.DateTimeField(help_text="the planned moment")
    outcome = models.TextField(choices=Outcome.choices)
    why = models.TextField(null=True)
    task = models.TextField()
    record_id = models.UUIDField(null=True, help_text="the job")
    beat = models.TextField(help_text="which beat wrote it, or who")
    at = models.DateTimeField(help_text="when, by the database's clock")

    class Meta:
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("backfill_schedule", "Can backfill ticks of a schedule"),
            ("resume_schedule", "Can resume a paused schedule"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["schedule", "nominal"], name="tick_once"),
            models.CheckConstraint(
                condition=~models.Q(outcome__in=["fired", "backfilled"]) | models.Q(record_id__isnull=False),
                name="tick_fired_with_a_job",
            ),
        ]
        indexes: ClassVar = [
            models.Index("schedule", name="tick_waiting", condition=models.Q(outcome="waiting")),
            models.Index("record_id", name="tick_record", condition=models.Q(record_id__isnull=False)),
            BrinIndex("at", name="tick_at", autosummarize=True),
        ]

    def __str__(self) -> str:
        return f"{self.schedule} at {self.nominal}: {self.outcome}"


class Beat(models.Model):
    """One beat process, as it last reported."""

    name = models.TextField(primary_key=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    fired = models.BigIntegerField(help_text="ticks, since it started")
    clock_offset = models.FloatField(help_text="seconds by which its own clock is ahead of the database's")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name
