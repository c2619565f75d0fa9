"""Every metric: its name, type, unit, labels with the values they may have, where it comes from and what it costs.

Nothing else names a metric. What reads or draws one asks `metric(name)`, which knows no other.
"""

from idempotency.states import PauseKind, Reason, State
from jobs import conf
from jobs.metrics.entries import Kind, Label, Metric, Unit, one_of

# What is waited for by people and by vendors, in seconds: each limit that an alert knows is a bound.
WAITS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
CALLS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
RUNS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
QUANTILES = {"0.5": 0.5, "0.95": 0.95, "0.99": 0.99}
OUTCOMES = ("ok", "rate_limited", "refused", "client_error", "server_error", "timeout", "connection_error")
ENDS = ("", "retried", "given_up")  # OpenTelemetry's error.type: nothing where there was no error
DEPTHS = ("ready", "paused", "scheduled", "held", "parked", "running")
GIVEN_UP = (State.FAILED_PERMANENT.value, State.DEAD_LETTERED.value)
TROUBLES = ("no_beat", "late", "clock", "paused", "unreadable")  # of schedules
RELATIONS = ("idempotency_record", "idempotency_attempt")
RECENT = "the last 15 minutes"
WINDOWS = {"5m": 300, "30m": 1_800, "1h": 3_600, "6h": 21_600, "3d": 259_200}  # seconds: the pairs of burn alerts

QUEUE = Label("the queues of JOBS_QUEUES", lambda: list(conf.queues()))
CRITICALITY = one_of(*conf.CRITICALITIES)
VENDOR = Label("the vendors that tasks name")
VENDOR_OR_NONE = Label("the vendors that tasks name, or empty")
QUANTILE = one_of(*QUANTILES)
SENT = one_of("", "failed")
BUILD = Label("the builds of live workers")
OF_BUILD = Label("one of each build", most=1)

LEDGER = "records, by the snapshot"
WORKERS = "workers' reports, by the snapshot"
MINUTES = "the relay's minutes, by the snapshot"
MEASURED = "workers' own measurements, added up in the database"
CALLERS = "callers' own measurements and people's decisions, added up in the database"
ENDED = "the relay's minutes, added up in the database"
ADDED_UP = {MEASURED, CALLERS, ENDED}  # kept in one table, and not in the snapshot

BY_QUEUE = {"queue": QUEUE}
OF_WINDOW = {"criticality": CRITICALITY, "window": one_of(*WINDOWS)}
ONE_ROW = "a row or a few"
BY_BACKLOG = "an index-only look at what waits, nothing of what is done: tens of milliseconds for 100,000 waiting jobs"
BY_MINUTES = "15 rows for each queue"
BY_DAYS = "4,320 rows for each queue, of a table that is read in this order"
BY_LABELS = "15 rows for each vendor and outcome"
PER_EVENT = "a microsecond in the worker, a row per minute"
PER_MINUTE = "a microsecond in the caller, and a statement a minute in each of its processes"

METRICS = (
    # -- depth and age
    Metric(name="jobs_queue_depth", unit=Unit.JOBS, labels=BY_QUEUE | {"state": one_of(*DEPTHS)},
           help="Jobs that have not ended. ready: a claim would take it; paused: due in a paused queue; scheduled: not "
           "due yet, most often a retry; held: the queue is at its bound; parked: waits for a newer worker.",
           source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_oldest_due_age_seconds", unit=Unit.SECONDS, labels=BY_QUEUE | {"criticality": CRITICALITY},
           help="For how long the oldest job that is due has not ended: waiting, held, parked, running or tried again "
           "and again. A job in retry counts from its first attempt, one for later from its time.",
           source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_waiting_age_seconds", unit=Unit.SECONDS, labels=BY_QUEUE | {"quantile": QUANTILE},
           help="How long jobs that are due and not begun have waited by now. It goes on growing when nothing runs.",
           source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_forecast_age_seconds", unit=Unit.SECONDS, labels=BY_QUEUE | {"criticality": CRITICALITY},
           help="What the p95 of that will be in 15 minutes if it goes on as in the last 15; absent where less than "
           "five minutes of them were looked at.", source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_due_deficit", unit=Unit.JOBS, labels=BY_QUEUE | {"criticality": CRITICALITY},
           help="Jobs that are due, have not begun, and come after the queue's deadline even if they begin now. Absent "
           "where a queue has none.", source=LEDGER, cost="none beside that of the ages: they are among the counted"),
    Metric(name="jobs_queue_fill_ratio", unit=Unit.RATIO, labels=BY_QUEUE,
           help="Waiting jobs as a share of the queue's bound; 0 where it has none.", source=LEDGER, cost=BY_BACKLOG),
    Metric(name="jobs_leases_overdue", unit=Unit.JOBS, labels=BY_QUEUE,
           help="Jobs whose lease ran out and that nobody has taken from their dead worker.", source=LEDGER,
           cost="one look at the jobs in hand"),
    # -- how jobs end
    Metric(name="jobs_success_ratio", unit=Unit.RATIO, labels=BY_QUEUE,
           help=f"Of the jobs that ended in {RECENT}, the share that succeeded; absent where none ended.",
           source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_retry_ratio", unit=Unit.RATIO, labels=BY_QUEUE,
           help=f"Of the attempts that ended in {RECENT}, the share that is made again; absent where none ended.",
           source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_recent_retries", unit=Unit.ATTEMPTS, labels=BY_QUEUE,
           help=f"Attempts of {RECENT} that are made again.", source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_recent_ends", unit=Unit.JOBS, labels=BY_QUEUE | {"state": one_of("succeeded", *GIVEN_UP)},
           help=f"Jobs that ended in {RECENT}.", source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_recent_enqueued", unit=Unit.JOBS, labels=BY_QUEUE, help=f"Jobs accepted in {RECENT}.",
           source=MINUTES, cost=BY_MINUTES),
    Metric(name="jobs_duplicates_suppressed_total", kind=Kind.COUNTER, unit=Unit.JOBS, labels=BY_QUEUE,
           help="Enqueues that were answered by a record with the same key, and made none. Of a caller that is killed "
           "the last minute is missing; a schedule's ticks are not among them.", source=CALLERS, cost=PER_MINUTE),
    Metric(name="jobs_end_to_end_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS, buckets=WAITS,
           labels=BY_QUEUE | {"state": one_of("succeeded", *GIVEN_UP)},
           help="How long jobs took from enqueue to end: with every wait, retry and pause, and with the delay that the "
           "caller asked for. Told a minute after they ended; what was replayed or cancelled is left out.",
           source=ENDED, cost="a second look at what ended in a minute: 0.6 µs for each, in the relay's statement"),
    Metric(name="jobs_slo_missed_ratio", unit=Unit.RATIO, labels=BY_QUEUE | OF_WINDOW,
           help="Of the jobs that ended within the window, the share that was given up or succeeded after the queue's "
           "deadline; absent where none ended. A job that a person cancelled is not counted as missed.",
           source=MINUTES, cost=BY_DAYS),
    Metric(name="jobs_slo_missed", unit=Unit.JOBS, labels=BY_QUEUE | OF_WINDOW,
           help="How many these are; absent where none ended.", source=MINUTES, cost=BY_DAYS),
    Metric(name="jobs_given_up_total", kind=Kind.COUNTER, unit=Unit.JOBS,
           labels=BY_QUEUE | {"state": one_of(*GIVEN_UP), "reason": one_of(*(r.value for r in Reason))},
           help="Jobs ever given up. A replay takes none of them back.", source=LEDGER, cost=ONE_ROW),
    Metric(name="jobs_given_up_last_hour", unit=Unit.JOBS, labels=BY_QUEUE | {"state": one_of(*GIVEN_UP)},
           help="Jobs given up within the last hour, whatever became of them since.", source=LEDGER, cost=ONE_ROW),
    Metric(name="jobs_dead_letters", unit=Unit.JOBS, labels=BY_QUEUE | {"state": one_of(*GIVEN_UP)},
           help="Given-up jobs that wait for a person's decision.", source=LEDGER,
           cost="an index of these jobs alone"),
    Metric(name="jobs_dead_letter_oldest_seconds", unit=Unit.SECONDS, labels=BY_QUEUE,
           help="For how long the oldest of them has waited.", source=LEDGER, cost="the same"),
    Metric(name="jobs_dead_letters_resolved_total", kind=Kind.COUNTER, unit=Unit.JOBS,
           labels=BY_QUEUE | {"decision": one_of("replayed", "discarded", "corrected")},
           help="Given-up jobs about which a person has decided. Who replays a job twice has decided twice.",
           source=CALLERS, cost="a statement for each decision, of one job or of a slice of many"),
    Metric(name="jobs_attempts_lost", unit=Unit.ATTEMPTS,
           help=f"Attempts of {RECENT} whose worker died, froze or lost the database.", source=LEDGER,
           cost="an index of failed attempts by time"),
    # -- vendors
    Metric(name="jobs_pause_started_timestamp_seconds", unit=Unit.MOMENT,
           labels=BY_QUEUE | {"vendor": VENDOR_OR_NONE, "kind": one_of(*(k.value for k in PauseKind))},
           help="Since when a queue has not been well. A failed probe and a relapse do not begin a new episode.",
           source=LEDGER, cost=ONE_ROW),
    Metric(name="jobs_pause_ends_timestamp_seconds", unit=Unit.MOMENT, labels=BY_QUEUE | {"vendor": VENDOR_OR_NONE},
           help="Until when a queue is paused: the vendor's Retry-After, the circuit's next probe, or what a person "
           "said. Absent where somebody has to resume it, and while a probe is out.", source=LEDGER, cost=ONE_ROW),
    Metric(name="jobs_vendor_tokens", unit=Unit.CALLS, labels=BY_QUEUE | {"vendor": VENDOR},
           help="Calls that a claim could take at this moment, at most the limit's burst: 0 while each has to wait for "
           "its slot or the queue is paused. Absent where there is no limit.", source=LEDGER, cost=ONE_ROW),
    Metric(name="jobs_vendor_latency_seconds", unit=Unit.SECONDS, labels={"vendor": VENDOR, "quantile": QUANTILE},
           help=f"How long the vendor took to answer, or not to, in {RECENT}.", source=MEASURED, cost=BY_LABELS),
    Metric(name="jobs_vendor_error_ratio", unit=Unit.RATIO, labels={"vendor": VENDOR},
           help=f"Of the calls of {RECENT}, the share that ended with the vendor's trouble: a time-out, no connection, "
           "a 5xx.", source=MEASURED, cost=BY_LABELS),
    Metric(name="jobs_vendor_recent_calls", unit=Unit.CALLS, labels={"vendor": VENDOR},
           help=f"Calls of {RECENT}.", source=MEASURED, cost=BY_LABELS),
    Metric(name="jobs_vendor_request_duration_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS,
           labels={"vendor": VENDOR, "outcome": one_of(*OUTCOMES)}, buckets=CALLS,
           help="Every call of a vendor.", source=MEASURED, cost=PER_EVENT),
    # -- workers
    Metric(name="jobs_workers", unit=Unit.WORKERS, labels=BY_QUEUE, help="Live workers that serve the queue.",
           source=WORKERS, cost=ONE_ROW),
    Metric(name="jobs_workers_draining", unit=Unit.WORKERS, labels=BY_QUEUE,
           help="Workers of the queue that were told to stop and finish what they run; not among the live ones.",
           source=WORKERS, cost="a row, and a short statement of a stopping worker every five seconds"),
    Metric(name="jobs_build_info", unit=Unit.NOTHING,
           labels={"version": BUILD, "django": OF_BUILD, "celery": OF_BUILD, "python": OF_BUILD},
           help="1 for each build of which a live worker is made. The version is JOBS_RELEASE.", source=WORKERS,
           cost="the workers' rows, which are read anyway"),
    Metric(name="jobs_worker_slots", unit=Unit.SLOTS, labels=BY_QUEUE,
           help="Jobs that they can run at once. A worker of several queues counts in each.", source=WORKERS,
           cost=ONE_ROW),
    Metric(name="jobs_worker_slots_busy", unit=Unit.SLOTS, labels=BY_QUEUE, help="Of these, those at work.",
           source=WORKERS, cost=ONE_ROW),
    Metric(name="jobs_worker_saturation_ratio", unit=Unit.RATIO, labels=BY_QUEUE,
           help="Busy slots as a share of all; 0 where nobody serves the queue.", source=WORKERS, cost=ONE_ROW),
    Metric(name="messaging_process_duration_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS,
           labels={"messaging_destination_name": QUEUE, "error_type": one_of(*ENDS)}, buckets=RUNS,
           help="How long attempts ran (OpenTelemetry's messaging.process.duration).", source=MEASURED,
           cost=PER_EVENT),
    Metric(name="messaging_client_consumed_messages_total", kind=Kind.COUNTER, unit=Unit.MESSAGES,
           labels={"messaging_destination_name": QUEUE},
           help="Hints that workers received (messaging.client.consumed.messages). A hint leads to many jobs, or none.",
           source=MEASURED, cost=PER_EVENT),
    Metric(name="messaging_client_sent_messages_total", kind=Kind.COUNTER, unit=Unit.MESSAGES,
           labels={"messaging_destination_name": QUEUE, "error_type": SENT},
           help="Hints that callers, relays and workers sent, or failed to (messaging.client.sent.messages). Callers "
           "tell once a minute.", source=MEASURED, cost=PER_EVENT),
    Metric(name="messaging_client_operation_duration_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS,
           labels={"messaging_destination_name": QUEUE, "messaging_operation_name": one_of("send"), "error_type": SENT},
           buckets=RUNS, help="How long they took to send, up to the broker's answer where it gives one "
           "(messaging.client.operation.duration).", source=MEASURED, cost=PER_EVENT),
    Metric(name="jobs_queue_wait_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS, labels=BY_QUEUE, buckets=WAITS,
           help="How long jobs had been due when they began. Silent while nothing runs: see jobs_waiting_age_seconds.",
           source=MEASURED, cost=PER_EVENT),
    Metric(name="jobs_children_lost_total", kind=Kind.COUNTER, unit=Unit.WORKERS,
           help="Worker processes that died with a hint in hand.", source=MEASURED, cost=PER_EVENT),
    # -- the machinery
    Metric(name="jobs_relay_last_tick_timestamp_seconds", unit=Unit.MOMENT,
           help="When a relay last went through its loop.", source="relays' reports, by the snapshot", cost=ONE_ROW),
    Metric(
        name="jobs_beat_last_tick_timestamp_seconds",
        unit=Unit.MOMENT,
        help="When a beat last looked at the schedules.",
        source="beats' reports, by the snapshot",
        cost=ONE_ROW,
    ),
    Metric(
        name="jobs_schedule_troubles",
        unit=Unit.BREACHES,
        labels={"kind": one_of(*TROUBLES)},
        help="What is wrong with schedules: no beat is alive, a tick is late, a clock is wrong, a schedule is paused "
        "after failures or cannot be read.",
        source="schedules and beats, by the snapshot",
        cost="a row for each schedule",
    ),
    Metric(name="jobs_books_breaches", unit=Unit.BREACHES,
           help="What the newest `manage.py jobs verify` found broken: 0 when the books balance.",
           source="the newest audit, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_books_verified_timestamp_seconds", unit=Unit.MOMENT, help="When that was.",
           source="the newest audit, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_broker_memory_ratio", unit=Unit.RATIO,
           help="How much of its memory (maxmemory) the broker uses; a RabbitMQ has 1 while it takes no hints. "
           "Absent where it has no bound, and where no relay has asked for a minute.",
           source="relays' reports, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_oldest_transaction_seconds", unit=Unit.SECONDS,
           help="For how long the oldest transaction in this database has been open. It keeps dead rows from being "
           "cleaned up, and claims slow down over them.", source="pg_stat_activity, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_table_bytes", unit=Unit.BYTES, labels={"relation": one_of(*RELATIONS)},
           help="Size of the tables that grow with the work, with their indexes. Tombstones are in the records.",
           source="PostgreSQL's catalogue, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_table_dead_rows", unit=Unit.ROWS, labels={"relation": one_of(*RELATIONS)},
           help="Rows that were replaced or deleted and not cleaned up yet, as PostgreSQL estimates them.",
           source="PostgreSQL's statistics, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_snapshot_timestamp_seconds", unit=Unit.MOMENT, help="When these gauges were read.",
           source="the snapshot", cost=ONE_ROW),
    Metric(name="jobs_snapshot_duration_seconds", unit=Unit.SECONDS, help="How long that took.", source="the snapshot",
           cost=ONE_ROW),
    Metric(name="jobs_deploy_timestamp_seconds", unit=Unit.MOMENT,
           help="When somebody last set a mark: a deploy.", source="marks, by the snapshot", cost=ONE_ROW),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count")}
PROMETHEUS_ADDS = ("job", "instance", "le")


def metric(name: str) -> Metric:
    """The entry of a metric.

    Raises:
        KeyError: the catalogue has none of this name.
    """
    if name not in BY_NAME:
        raise KeyError(f"the catalogue has no metric {name!r}")
    return BY_NAME[name]


def series(name: str) -> Metric:
    """The same for the name of a series, which for a histogram has a suffix."""
    for entry in METRICS:
        if name in {entry.name + suffix for suffix in SUFFIXES.get(entry.kind, ("",))}:
            return entry
    raise KeyError(f"no metric of the catalogue has a series {name!r}")
