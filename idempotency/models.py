"""The tables. Nothing writes them but the statements in `sql/`."""

from typing import ClassVar

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Least
from django.db.models.lookups import Exact, GreaterThanOrEqual, LessThanOrEqual

from idempotency.states import REVIEWABLE, PauseKind, Reason, Resolution, State

# As plain text: a migration keeps what it says whatever becomes of the code.
QUEUED, PROCESSING, SUCCEEDED = State.QUEUED.value, State.PROCESSING.value, State.SUCCEEDED.value
GIVEN_UP = sorted(s.value for s in REVIEWABLE)
REASONS, RESOLUTIONS = [r.value for r in Reason], [r.value for r in Resolution]
DECISION = ("resolved_at", "resolved_by", "resolution")
COUNTS = ("attempt", "payload_version", "given_back", "deaths", "calls", "replay_count")


def set_of(*columns: str | Case) -> Func:
    """How many of these are not empty."""
    return Func(
        *(F(c) if isinstance(c, str) else c for c in columns),
        function="num_nonnulls",
        output_field=models.IntegerField(),
    )


# Leased, ended, in line, or set aside: held or parked.
ASIDE = Case(
    When(Q(held=True) | Q(parked_reason__isnull=False), then=True), default=None, output_field=models.BooleanField()
)
IN_ONE_PLACE = Q(LessThanOrEqual(set_of("lease_expires_at", "finished_at", "line", ASIDE), 1))
# Who is given up has a reason, and what is empty tells the other states apart.
OTHER_STATE = Case(
    When(lease_expires_at__isnull=False, then=Value(PROCESSING)),
    When(finished_at__isnull=False, then=Value(SUCCEEDED)),
    default=Value(QUEUED),
    output_field=models.TextField(),
)
AS_ITS_STATE_SAYS = (Q(lease_expires_at__isnull=True) | Q(lease_id__isnull=False)) & (
    Q(reason__isnull=True, state=OTHER_STATE)
    # A CHECK is fulfilled by what is unknown, so that a missing reason has to be named.
    | Q(reason__isnull=False, reason__in=REASONS, state__in=GIVEN_UP, finished_at__isnull=False)
)


class Record(models.Model):
    """One job: what was asked, under which key, and how far it got. The truth that outlives broker and workers.

    `id` is a uuid7 (or the id that Celery's canvas chose), so that inserts land at the end of the primary key: 30 MB
    per million against 38 for random ids. `key` and `fingerprint` are 16-byte digests kept as uuid: 38 MB of index
    per million against 119 for a hexadecimal sha256.
    """

    id = models.UUIDField(primary_key=True)
    task = models.TextField()
    queue = models.TextField()
    state = models.TextField(choices=[(s.value, s.value) for s in State])
    key = models.UUIDField(null=True, help_text="digest of task and dedupe key; empty: every call is its own work")
    freed_key = models.UUIDField(null=True, help_text="the key it had until its dedupe window passed")
    fingerprint = models.UUIDField(help_text="digest of the payload")
    payload = models.JSONField(null=True, help_text="empty once pruned")
    payload_version = models.IntegerField()
    options = models.JSONField(null=True, help_text="what Celery's canvas attached: chain, links, ids, headers")
    account = models.TextField(db_default="", help_text="whose work it is: accounts take turns in a queue")
    account_hash = models.IntegerField(db_default=0, help_text="of the account: four bytes make a small index")
    priority = models.SmallIntegerField(db_default=0, help_text="a step counts as a minute of waiting")
    calls = models.SmallIntegerField(db_default=1, help_text="to the vendor, in one attempt")
    held = models.BooleanField(db_default=False, help_text="accepted while the queue was full")
    line = models.SmallIntegerField(
        null=True,
        help_text="where it stands to be claimed: twice its priority, and one more for a retry; empty: nowhere",
    )
    available_at = models.DateTimeField()
    attempt = models.IntegerField(help_text="counted when claimed")
    max_attempts = models.IntegerField()
    given_back = models.IntegerField(help_text="attempts returned because the job was not to blame")
    deaths = models.IntegerField(help_text="workers that died while they had this job alone")
    solo = models.BooleanField(help_text="claimed alone, never in a batch")
    alone = models.BooleanField(help_text="the current claim holds nothing else")
    fencing_token = models.BigIntegerField()
    lease_id = models.UUIDField(null=True, help_text="of the claim that holds it, or that settled it")
    lease_expires_at = models.DateTimeField(null=True)
    claimed_by = models.TextField(null=True, help_text="worker and hint of the newest claim")
    started_at = models.DateTimeField(null=True)
    intent_at = models.DateTimeField(null=True, help_text="an outside effect may have happened since")
    parked_reason = models.TextField(null=True)
    result = models.JSONField(null=True)
    reason = models.TextField(null=True, choices=[(r.value, r.value) for r in Reason])
    error = models.TextField(null=True)
    replay_count = models.IntegerField()
    replaces = models.UUIDField(null=True, help_text="the job whose payload this one corrects, and whose key it took")
    vendor_calls = models.JSONField(null=True, help_text="of the attempt that succeeded: what it asked its vendor")
    # -- a person's part
    resolved_at = models.DateTimeField(null=True, help_text="given up, and a person said that this is all right")
    resolved_by = models.TextField(null=True)
    resolution = models.TextField(null=True, choices=[(r.value, r.value) for r in Resolution])
    resolution_why = models.TextField(null=True)
    incident = models.GeneratedField(
        expression=Case(
            When(state__in=GIVEN_UP, then=Func(F("task"), F("error"), function="idempotency_incident")), default=None
        ),
        output_field=models.UUIDField(null=True),
        db_persist=True,
        help_text="digest of task and error without what differs from job to job; empty while not given up",
    )
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    pruned_at = models.DateTimeField(null=True, help_text="the row is a tombstone: it only answers for its key")

    class Meta:
        permissions: ClassVar = [
            ("replay_record", "Can send a given-up job again"),
            ("edit_payload", "Can correct the payload of a given-up job"),
            ("discard_record", "Can discard a given-up job"),
            ("cancel_record", "Can cancel a waiting or running job"),
            ("comment_record", "Can assign and comment"),
        ]
        indexes: ClassVar = [
            # Every claim reads from here: of each line, account by account, the oldest. The predicate costs HOT updates
            # (about a tenth of the throughput) and keeps a claim as fast among five million finished records as among
            # none. What is not due stands elsewhere: else a claim would step over all that waits.
            models.Index(
                "queue",
                "line",
                "account_hash",
                "available_at",
                name="record_lined",
                condition=Q(line__isnull=False),
            ),
            models.Index(
                "queue",
                "available_at",
                name="record_waiting",
                condition=Q(state=QUEUED, parked_reason__isnull=True, line__isnull=True, held=False),
            ),
            models.Index("queue", "available_at", name="record_held", condition=Q(held=True)),
            models.Index("lease_expires_at", name="record_leased", condition=Q(state=PROCESSING)),
            models.Index("task", "finished_at", name="record_review", condition=Q(state__in=GIVEN_UP)),
            models.Index(
                "incident",
                "finished_at",
                name="record_open",
                condition=Q(state__in=GIVEN_UP, resolved_at__isnull=True),
            ),
            models.Index("replaces", name="record_replaces", condition=Q(replaces__isnull=False)),
            models.Index("task", name="record_parked", condition=Q(parked_reason__isnull=False)),
            # The pruner's: what it has pruned is not in it, so that millions of tombstones are never looked at again.
            models.Index("finished_at", name="record_ended", condition=Q(state=SUCCEEDED, pruned_at__isnull=True)),
            # The charts': what came or ended within a minute lies close together, and a few pages tell where.
            BrinIndex("created_at", name="record_created", autosummarize=True),
            BrinIndex("finished_at", name="record_finished", autosummarize=True),
        ]
        constraints: ClassVar = [
            # Partial: a record without a key costs no entry, neither when written nor at each later arrow.
            models.UniqueConstraint(fields=["key"], condition=Q(key__isnull=False), name="record_key"),
            # Few and short: PostgreSQL reads and compiles each anew for every statement that writes a record.
            models.CheckConstraint(condition=IN_ONE_PLACE & AS_ITS_STATE_SAYS, name="record_shape"),
            models.CheckConstraint(
                condition=Exact(set_of(*DECISION), 0)
                | Q(Exact(set_of(*DECISION), len(DECISION)), resolution__in=RESOLUTIONS, reason__isnull=False),
                name="record_resolution",
            ),
            models.CheckConstraint(
                condition=Q(attempt__lte=F("max_attempts"), max_attempts__gte=1)
                & Q(GreaterThanOrEqual(Least(*map(F, COUNTS), output_field=models.IntegerField()), 0)),
                name="record_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.task} {self.id}"


class Attempt(models.Model):
    """One attempt that did not succeed; a success is told by the record itself."""

    id = models.BigAutoField(primary_key=True)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="attempts", db_constraint=False)
    attempt = models.PositiveIntegerField()
    fencing_token = models.BigIntegerField()
    outcome = models.TextField(help_text="the arrow that ended it")
    worker = models.TextField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField()
    error_class = models.TextField(null=True)
    error_message = models.TextField(null=True)
    traceback = models.TextField(null=True)
    vendor_calls = models.JSONField(null=True, help_text="what it asked its vendor, and what that answered")

    class Meta:
        indexes: ClassVar = [BrinIndex("finished_at", name="attempt_finished", autosummarize=True)]

    def __str__(self) -> str:
        return f"attempt {self.attempt} of {self.record_id}: {self.outcome}"


class Step(models.Model):
    """What one step of a job returned: a later attempt goes on behind it."""

    pk = models.CompositePrimaryKey("record_id", "name")
    record = models.ForeignKey(
        Record, on_delete=models.CASCADE, related_name="steps", db_constraint=False, db_index=False
    )
    name = models.TextField()
    input = models.UUIDField(help_text="digest of the step's arguments")
    result = models.JSONField(null=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"step {self.name} of {self.record_id}"


class Progress(models.Model):
    """How far a long job has come, and where its next attempt goes on."""

    record = models.OneToOneField(Record, on_delete=models.CASCADE, primary_key=True, db_constraint=False)
    cursor = models.JSONField(null=True)
    done = models.BigIntegerField(null=True)
    total = models.BigIntegerField(null=True)
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.done} of {self.total} of {self.record_id}"


class Queue(models.Model):
    """What the claim must know of a queue. No row: nothing restrains it. A vendor's limits come from `JOBS_VENDORS`."""

    name = models.TextField(primary_key=True)
    vendor = models.TextField(null=True, help_text="whose queue this is")
    # -- a pause
    paused_at = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True, help_text="empty while paused: until somebody resumes it")
    pause_kind = models.TextField(null=True, choices=[(k.value, k.value) for k in PauseKind])
    pause_reason = models.TextField(null=True)
    paused_by = models.TextField(null=True)
    resumed_by = models.TextField(null=True)
    resume_reason = models.TextField(null=True)
    episode_at = models.DateTimeField(
        null=True, help_text="since when it has not been well: failed probes do not end it"
    )
    failures = models.PositiveIntegerField(db_default=0, help_text="of the vendor, one after the other")
    probe_id = models.UUIDField(null=True, help_text="the job that is to find out whether the vendor answers again")
    probe_token = models.BigIntegerField(null=True)
    ramp_from = models.DateTimeField(null=True, help_text="since when the calls grow again")
    ramp_step = models.FloatField(
        db_default=1.0, help_text="seconds in which they double; ten of them, and all is well"
    )
    # -- a limit: at most so many calls a second, of everybody together
    calls_per_second = models.FloatField(null=True)
    burst = models.PositiveIntegerField(db_default=1)
    next_call_at = models.DateTimeField(null=True, help_text="the next call's slot, were there no burst")
    account_calls_per_second = models.FloatField(null=True)
    account_burst = models.PositiveIntegerField(db_default=1)
    account_serial = models.BooleanField(db_default=False, help_text="one job of an account at a time")
    # -- a budget: retries are a share of first attempts
    retry_share = models.FloatField(null=True)
    retry_floor = models.FloatField(db_default=10.0, help_text="retries a second that the budget always allows")
    retry_tokens = models.FloatField(db_default=10.0)
    retry_tokens_at = models.DateTimeField(null=True)

    class Meta:
        permissions: ClassVar = [("pause_queue", "Can pause and resume a queue")]

    def __str__(self) -> str:
        return self.name


class Account(models.Model):
    """What a claim must know of an account where its vendor limits each: who is at work for it, and its next slot."""

    pk = models.CompositePrimaryKey("queue", "account_hash")
    queue = models.TextField()
    account_hash = models.IntegerField()
    held_by = models.UUIDField(help_text="the newest job claimed for it")
    held_token = models.BigIntegerField()
    next_call_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"account {self.account_hash} in {self.queue}"


class Tally(models.Model):
    """How many records were ever accepted and pruned: the side of the books that no record can falsify.

    Rows are only added, one by each enqueue statement, in its transaction; the relay sums them up. A counter in place
    would make all callers of a task queue behind one row.
    """

    id = models.BigAutoField(primary_key=True)
    task = models.TextField()
    accepted = models.BigIntegerField(db_default=0)
    pruned = models.BigIntegerField(db_default=0)

    def __str__(self) -> str:
        return f"{self.task}: {self.accepted} accepted, {self.pruned} pruned"


class GivenUp(models.Model):
    """That a record was given up, at that moment: a replay takes it out of the records and not out of here.

    A trigger adds the row in the transaction that gives up, whoever that is. The relay sums up what is older than
    every window that is looked at, so that the table stays as small as the last hours.
    """

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(null=True, help_text="empty: a sum of older ones")
    queue = models.TextField()
    state = models.TextField()
    reason = models.TextField()
    jobs = models.BigIntegerField(db_default=1)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [models.Index("at", name="givenup_at")]

    def __str__(self) -> str:
        return f"{self.jobs} {self.state} in {self.queue}"
