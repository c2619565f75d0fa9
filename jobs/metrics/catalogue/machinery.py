"""Relays, beats, the broker, tables, books, and the metrics themselves."""

from jobs.metrics.catalogue.words import BECAME, FLOW, MEASURED, ONE_ROW, RARELY, RELATIONS, SCHEDULE, STAGES, TROUBLES
from jobs.metrics.entries import Kind, Metric, Unit, one_of

MACHINERY = (
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
    Metric(name="jobs_schedule_next_due_timestamp_seconds", unit=Unit.MOMENT, labels={"schedule": SCHEDULE},
           help="When an enabled schedule ticks next; a moment that is past is owed. Of more than 50 those that come "
           "first.", source="schedules and beats, by the snapshot", cost="a row for each schedule"),
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
    Metric(name="jobs_table_rows", unit=Unit.ROWS, labels={"relation": one_of(*RELATIONS)},
           help="Rows of these tables, as PostgreSQL estimates them.",
           source="PostgreSQL's statistics, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_table_dead_rows", unit=Unit.ROWS, labels={"relation": one_of(*RELATIONS)},
           help="Rows that were replaced or deleted and not cleaned up yet, as PostgreSQL estimates them.",
           source="PostgreSQL's statistics, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_snapshot_timestamp_seconds", unit=Unit.MOMENT, help="When these gauges were read.",
           source="the snapshot", cost=ONE_ROW),
    Metric(name="jobs_snapshot_duration_seconds", unit=Unit.SECONDS, help="How long that took.", source="the snapshot",
           cost=ONE_ROW),
    Metric(name="jobs_deploy_timestamp_seconds", unit=Unit.MOMENT,
           help="When somebody last set a mark: a deploy.", source="marks, by the snapshot", cost=ONE_ROW),
    Metric(name="jobs_unrecorded_messages_total", kind=Kind.COUNTER, unit=Unit.MESSAGES,
           labels={"task": FLOW, "became": one_of(*BECAME)},
           help="Celery messages of a job's task that came without a record: of an old caller, in a migration. What is "
           "refused is not done.", source=MEASURED, cost=RARELY),
    Metric(name="jobs_migration_stage", unit=Unit.NOTHING, labels={"flow": FLOW, "stage": one_of(*STAGES)},
           help="1 for how far a plain task has become a job, of tasks that ever had a message without a record. "
           "legacy: such a message was refused in the last day; both: all of them were adopted; full: none came.",
           source="workers' own measurements, by the snapshot", cost="a row per task and minute of the last day"),
)  # fmt: skip
