"""What workers tell of themselves, what people decided, and what was counted; the records are in `idempotency`."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from idempotency.models import Record


class Worker(models.Model):
    """One worker process group, as it last reported. A row not renewed for `registry.ALIVE` is a dead worker."""

    name = models.TextField(primary_key=True, help_text="Celery's node name")
    pid = models.PositiveIntegerField()
    queues = models.JSONField(help_text="list of names")
    tasks = models.JSONField(help_text="task name → newest payload version it knows")
    slots = models.PositiveIntegerField()
    busy = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    draining_at = models.DateTimeField(null=True, help_text="last said that it takes nothing more")
    # A default of the table's: a worker of the release before does not name it.
    build = models.JSONField(db_default={}, help_text="what it is made of: version, django, celery, python")
    memory = models.BigIntegerField(null=True, help_text="bytes: resident memory of its largest process")
    clock_offset = models.FloatField(null=True, help_text="seconds by which its clock is ahead of the database's")

    def __str__(self) -> str:
        return self.name


class DeadLetter(Record):
    """The same rows, under the name by which people look for those that were given up."""

    class Meta:
        proxy = True
        default_permissions = ()  # whoever may see records may see these
        verbose_name = "dead letter"


class Incident(models.Model):
    """What people know of an error beyond its jobs; `fingerprint` is the records' `incident`.

    A row exists once somebody took it.
    """

    fingerprint = models.UUIDField(primary_key=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"incident {self.fingerprint}"


class BulkReplay(models.Model):
    """Many given-up jobs, sent again at a pace: first a canary of a few, then the rest while it goes well."""

    class State(models.TextChoices):
        DRAFT = "draft"  # somebody looks at what it would do
        AWAITING_APPROVAL = "awaiting_approval"
        CANARY = "canary"
        RUNNING = "running"
        PAUSED = "paused"
        STOPPED = "stopped"  # by itself: too many failed again
        CANCELLED = "cancelled"
        FINISHED = "finished"

    by = models.TextField()
    why = models.TextField()
    scope = models.JSONField(help_text="the filter that chose the jobs, as name → value")
    rate = models.FloatField(help_text="jobs a second")
    canary = models.PositiveIntegerField(help_text="jobs that go first, alone")
    stop_share = models.FloatField(help_text="share of settled replays that may be given up again")
    state = models.TextField(choices=State.choices)
    state_why = models.TextField(blank=True)
    paused_from = models.TextField(null=True, choices=State.choices, help_text="where it goes on when resumed")
    approved_by = models.TextField(null=True)
    total = models.PositiveIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    resumed_at = models.DateTimeField(
        null=True, help_text="after it stopped by itself: what ended before counts no more"
    )
    paced_at = models.DateTimeField(null=True, help_text="until when its pace is used up")
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return "replay of one job" if self.total == 1 else f"replay of {self.total} jobs"


class BulkItem(models.Model):
    """One job of a bulk replay, as it stood in the preview: a job that changed since is left alone."""

    pk = models.CompositePrimaryKey("bulk_id", "number")
    bulk = models.ForeignKey(BulkReplay, on_delete=models.CASCADE, related_name="items", db_index=False)
    number = models.PositiveIntegerField()
    record_id = models.UUIDField()
    token = models.BigIntegerField(help_text="fencing token at the preview")
    answer = models.TextField(null=True, help_text="empty: its turn has not come")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index("bulk", "number", name="bulkitem_open", condition=models.Q(answer__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.number}: job {self.record_id}"


class Proposal(models.Model):
    """A corrected payload that waits for a second person."""

    record_id = models.UUIDField(db_index=True)
    token = models.BigIntegerField(help_text="fencing token that its author saw")
    payload = models.JSONField()
    by = models.TextField()
    why = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.TextField(null=True)
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(null=True, help_text="approved, refused, or why it came too late")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"corrected payload for job {self.record_id}"


class Decision(models.Model):
    """The audit trail: who decided what about a job, an incident, a queue or a bulk replay, when and why.

    Rows are only added; the table itself refuses to change or to delete one.
    """

    class Action(models.TextChoices):
        REPLAY = "replay"
        CORRECT = "correct"  # replay with a corrected payload
        PROPOSE = "propose"  # a corrected payload, for a second person to approve
        DISCARD = "discard"
        CANCEL = "cancel"
        ASSIGN = "assign"
        COMMENT = "comment"
        PAUSE = "pause"
        RESUME = "resume"
        BULK = "bulk"
        BACKFILL = "backfill"  # ticks of a schedule that never fired

    at = models.DateTimeField(auto_now_add=True)
    by = models.TextField()
    action = models.TextField(choices=Action.choices)
    why = models.TextField()
    record_id = models.UUIDField(null=True)
    incident = models.UUIDField(null=True)
    queue = models.TextField(null=True)
    bulk = models.ForeignKey(BulkReplay, on_delete=models.PROTECT, null=True, related_name="decisions")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index("record_id", name="decision_record", condition=models.Q(record_id__isnull=False)),
            models.Index("incident", name="decision_incident", condition=models.Q(incident__isnull=False)),
            models.Index("queue", name="decision_queue", condition=models.Q(queue__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.action} by {self.by}"


class Minute(models.Model):
    """One minute of one queue, counted by the relay: the charts' points."""

    pk = models.CompositePrimaryKey("minute", "queue")
    minute = models.DateTimeField(help_text="its start")
    queue = models.TextField()
    enqueued = models.PositiveIntegerField(default=0)
    succeeded = models.PositiveIntegerField(default=0)
    failed_permanent = models.PositiveIntegerField(default=0)
    dead_lettered = models.PositiveIntegerField(default=0)
    retried = models.PositiveIntegerField(default=0, help_text="attempts that are made again")
    # A default of the table's: a relay of the release before does not name it.
    missed = models.PositiveIntegerField(db_default=0, help_text="given up, or succeeded after the queue's deadline")
    # -- at its end; empty where nobody looked then
    depth = models.PositiveIntegerField(null=True, help_text="jobs due and not begun")
    age = models.FloatField(null=True, help_text="seconds that 95 % of them had waited at most")
    busy = models.PositiveIntegerField(null=True)
    slots = models.PositiveIntegerField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.queue} at {self.minute:%Y-%m-%d %H:%M}"


class Mark(models.Model):
    """A moment to show in the charts: a deploy."""

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    by = models.TextField()
    text = models.TextField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.text


class Overview(models.Model):
    """No table: the name under which the overview stands in the admin's list of pages."""

    class Meta:
        managed = False
        default_permissions = ()
        verbose_name_plural = " Overview"  # the blank sorts it before all others, and no browser shows it

    def __str__(self) -> str:
        return "overview"


class Pulse(models.Model):
    """When a program of some kind last did what it is for, and what it found then."""

    pk = models.CompositePrimaryKey("kind", "name")
    kind = models.TextField(help_text="relay, verify, broker")
    name = models.TextField(help_text="which of them: host and process, or nothing where any will do")
    seen_at = models.DateTimeField()
    found = models.FloatField(
        null=True,
        help_text="of verify: how many rules of the books are broken; of broker: the share of its memory in use",
    )

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class Counts(models.Field):  # type: ignore[type-arg]
    """PostgreSQL's `bigint[]`. Django's own ArrayField would have every project install `django.contrib.postgres`."""

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 - Django asks with it
        return "bigint[]"


class Measure(models.Model):
    """What workers measured: how often, how much in all, and how many within each bound of the catalogue.

    One row per minute for what is shown of late, and one whose minute is the epoch for all of it.
    """

    pk = models.CompositePrimaryKey("metric", "labels", "minute")
    metric = models.TextField()
    labels = models.TextField(help_text="the values of its labels, in the catalogue's order, as JSON")
    minute = models.DateTimeField()
    count = models.BigIntegerField()
    total = models.FloatField()
    buckets = Counts(help_text="not cumulative; the last one is beyond all bounds")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.metric} {self.labels}"


class Snapshot(models.Model):
    """The newest values of all gauges, in one row: whoever asks within a few seconds is told the same."""

    id = models.PositiveSmallIntegerField(primary_key=True)
    taken_at = models.DateTimeField()
    took = models.FloatField(help_text="seconds")
    samples = models.JSONField(help_text="list of [metric, labels, value]")

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"snapshot of {self.taken_at:%Y-%m-%d %H:%M:%S}"


class Alarm(models.Model):
    """An alert whose condition holds, as `manage.py jobs watch` sees it. The row goes when the condition does."""

    pk = models.CompositePrimaryKey("alert", "labels")
    alert = models.TextField()
    labels = models.TextField(help_text="as JSON")
    since = models.DateTimeField()
    fired_at = models.DateTimeField(null=True, help_text="when it had held for long enough")
    told_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.alert
