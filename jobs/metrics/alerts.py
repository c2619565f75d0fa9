"""Every alert: what holds for how long, how urgent it is, and the page that says what to do.

The first three are what this project was asked for, to the number. Thresholds have their argument beside them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from jobs import conf
from jobs.metrics.expressions import NOT_EMPTY, Absent, Always, Both, Expression, Is, Since, apart, by_max, total

MINUTE = timedelta(minutes=1)
AT_ONCE = timedelta(0)
RUNBOOKS = "runbooks"


class Severity(StrEnum):
    PAGE = "page"  # wake somebody
    TICKET = "ticket"  # today
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """`shown` is filled in with the labels and the value: `{queue}`, `{value}`."""

    name: str
    when: Expression
    lasting: timedelta = AT_ONCE
    severity: Severity
    summary: str
    shown: str
    runbook: str
    labels: tuple[str, ...] = field(default=())
    only_prometheus: bool = False  # of Prometheus itself: `jobs watch` has no such thing to say


def alerts() -> Sequence[Alert]:
    """All of them, with the thresholds of the settings."""
    return (*asked_for(), *promises(), *workers(), *outcomes(), *machinery(), *time_itself(), *monitoring())


def asked_for() -> Sequence[Alert]:
    pause = conf.pause_alert().total_seconds()
    unwell = by_max("jobs_pause_started_timestamp_seconds", "queue", "vendor", "kind", vendor=NOT_EMPTY)
    return (
        Alert(name="JobsCriticalTooOld", severity=Severity.PAGE, labels=("queue",),
              when=Is(by_max("jobs_oldest_due_age_seconds", "queue", criticality=conf.CRITICAL), ">", 600),
              summary="Critical jobs are older than 10 minutes",
              shown="The oldest job of {queue} has been due for {value} s and has not ended.",
              runbook="critical-jobs-too-old"),
        Alert(name="JobsDeadLetterSurge", severity=Severity.PAGE,
              when=Is(total("jobs_given_up_last_hour", state="dead_lettered"), ">", 20),
              summary="More than 20 dead letters within an hour",
              shown="{value} jobs were dead-lettered within the last hour.", runbook="dead-letter-surge"),
        Alert(name="JobsVendorPausedTooLong", severity=Severity.TICKET, labels=("queue", "vendor", "kind"),
              when=Is(Since(unwell), ">", pause),
              summary="A vendor's queue has been paused for 10 minutes",
              shown="{vendor} ({queue}) has not been well for {value} s: {kind}.", runbook="vendor-paused"),
    )  # fmt: skip


def promises() -> Sequence[Alert]:
    """The share of critical jobs in time: two windows each, so that it fires soon and ends soon after the trouble."""
    age = by_max("jobs_waiting_age_seconds", "queue", quantile="0.95")
    forecast = by_max("jobs_forecast_age_seconds", "queue", criticality=conf.CRITICAL)
    missed = "{value} of the critical jobs of {queue} were given up or late within "
    return (
        # A fiftieth of a month's allowance in an hour: it would be used up in two days. A few jobs are no share.
        Alert(name="JobsSloFastBurn", severity=Severity.PAGE, labels=("queue",),
              when=_burn("1h", "5m", 14.4, more_than=4), summary="Many critical jobs fail or come late",
              shown=missed + "an hour.", runbook="slo-burn"),
        # A twentieth in six hours.
        Alert(name="JobsSloBurn", severity=Severity.PAGE, labels=("queue",),
              when=_burn("6h", "30m", 6, more_than=4), summary="Critical jobs have failed or come late for hours",
              shown=missed + "six hours.", runbook="slo-burn"),
        # A tenth in three days: what is left will not last for the month.
        Alert(name="JobsSloSlowBurn", severity=Severity.TICKET, lasting=60 * MINUTE, labels=("queue",),
              when=_burn("3d", "6h", 1, more_than=4), summary="More critical jobs fail or come late than was promised",
              shown=missed + "three days.", runbook="slo-burn"),
        Alert(name="JobsBacklogGrows", severity=Severity.TICKET, lasting=3 * MINUTE, labels=("queue",),
              # Before it pages: a quarter of an hour is enough to start workers.
              when=Both(Is(forecast, ">", 600), Is(age, ">", 120)),
              summary="Critical jobs will be older than 10 minutes",
              shown="At this rate the jobs of {queue} will wait {value} s in a quarter of an hour.",
              runbook="backlog-grows"),
    )  # fmt: skip


def _burn(long: str, short: str, times: float, *, more_than: int) -> Expression:
    """The allowance is used up so many times faster than it may be, and still is."""
    limit = round(times * (1 - conf.slo()), 6)
    share, still = (Is(_missed("jobs_slo_missed_ratio", w), ">", limit) for w in (long, short))
    return Both(Both(share, still), Is(_missed("jobs_slo_missed", long), ">", more_than))


def _missed(name: str, window: str) -> Expression:
    return by_max(name, "queue", criticality=conf.CRITICAL, window=window)


def workers() -> Sequence[Alert]:
    ready = Is(by_max("jobs_queue_depth", "queue", state="ready"), ">", 0)
    return (
        Alert(name="JobsNoWorkers", severity=Severity.PAGE, lasting=2 * MINUTE, labels=("queue",),
              # Longer than a deploy's gap between two workers.
              when=Both(ready, Is(by_max("jobs_workers", "queue"), "==", 0)),
              summary="Jobs wait in a queue that nobody serves",
              shown="{value} jobs wait in {queue}, and no live worker serves it.", runbook="no-workers"),
        Alert(name="JobsWorkersIdle", severity=Severity.PAGE, lasting=2 * MINUTE, labels=("queue",),
              # Workers that are there, answer, and take nothing: hints are missing, or cannot be heard.
              when=Both(Both(Is(by_max("jobs_waiting_age_seconds", "queue", quantile="0.5"), ">", 120),
                             Is(by_max("jobs_worker_slots", "queue"), ">", 0)),
                        Both(Is(by_max("jobs_worker_slots_busy", "queue"), "==", 0), ready)),
              summary="Jobs wait and the workers of their queue do nothing",
              shown="Half of the jobs in {queue} have waited for {value} s, and all its workers are idle.",
              runbook="workers-idle"),
        Alert(name="JobsSaturated", severity=Severity.TICKET, lasting=10 * MINUTE, labels=("queue",),
              # A pool that is nine tenths busy makes the next job wait nine times as long as one half as busy.
              when=Both(Is(by_max("jobs_worker_saturation_ratio", "queue"), ">", 0.9),
                        Is(by_max("jobs_waiting_age_seconds", "queue", quantile="0.95"), ">", 60)),
              summary="All workers of a queue are busy and its jobs wait",
              shown="{value} of the slots of {queue} are busy.", runbook="saturated"),
        Alert(name="JobsWorkersDying", severity=Severity.TICKET,
              # One or two are a machine that went down; more are a job, or memory.
              when=Is(by_max("jobs_attempts_lost"), ">", 5), summary="Workers die with jobs in hand",
              shown="{value} attempts were lost with their workers within 15 minutes.", runbook="workers-dying"),
        Alert(name="JobsLeasesOverdue", severity=Severity.PAGE, lasting=MINUTE, labels=("queue",),
              when=Is(by_max("jobs_leases_overdue", "queue"), ">", 0),
              summary="Dead workers' jobs are not returned",
              shown="{value} jobs of {queue} belong to dead or frozen workers, and nobody takes them back.",
              runbook="leases-overdue"),
    )  # fmt: skip


def outcomes() -> Sequence[Alert]:
    return (
        Alert(name="JobsFailingForGood", severity=Severity.TICKET,
              # As for dead letters, and less urgent: a vendor that refuses them has been asked and has answered.
              when=Is(total("jobs_given_up_last_hour", state="failed_permanent"), ">", 20),
              summary="More than 20 jobs failed for good within an hour",
              shown="{value} jobs failed for good within the last hour.", runbook="failing-for-good"),
        Alert(name="JobsRetryStorm", severity=Severity.TICKET, lasting=5 * MINUTE, labels=("queue",),
              # More than the retry budget's fifth: attempts are mostly made in vain.
              when=Both(Is(by_max("jobs_retry_ratio", "queue"), ">", 0.25),
                        Is(by_max("jobs_recent_retries", "queue"), ">", 30)),
              summary="Every fourth attempt is made again", shown="{value} of the attempts in {queue} are made again.",
              runbook="retry-storm"),
        Alert(name="JobsVendorFailing", severity=Severity.TICKET, lasting=5 * MINUTE, labels=("vendor",),
              when=Both(Is(by_max("jobs_vendor_error_ratio", "vendor"), ">", 0.2),
                        Is(by_max("jobs_vendor_recent_calls", "vendor"), ">", 20)),
              summary="A fifth of a vendor's answers are errors", shown="{value} of the calls of {vendor} fail.",
              runbook="vendor-failing"),
        Alert(name="JobsVendorRefusesUs", severity=Severity.PAGE, labels=("queue", "vendor"),
              # No retry helps, and everything of this vendor waits.
              when=Is(by_max("jobs_pause_started_timestamp_seconds", "queue", "vendor", kind="refused"), ">", 0),
              summary="A vendor does not take our credentials",
              shown="{vendor} refuses our credentials; {queue} is paused.", runbook="vendor-refuses-us"),
        Alert(name="JobsDeadLettersUnreviewed", severity=Severity.TICKET, labels=("queue",),
              when=Is(by_max("jobs_dead_letter_oldest_seconds", "queue"), ">", 24 * 3600),
              summary="Nobody has decided about a given-up job for a day",
              shown="A given-up job of {queue} has waited for a decision for {value} s.",
              runbook="dead-letters-unreviewed"),
        Alert(name="JobsParked", severity=Severity.TICKET, lasting=30 * MINUTE, labels=("queue",),
              # A deploy takes minutes; later nobody is rolling out what these jobs wait for.
              when=Is(by_max("jobs_queue_depth", "queue", state="parked"), ">", 0),
              summary="Jobs wait for a newer worker that does not come",
              shown="{value} jobs of {queue} are parked.", runbook="parked"),
        Alert(name="JobsQueueFull", severity=Severity.TICKET, lasting=5 * MINUTE, labels=("queue",),
              when=Is(by_max("jobs_queue_fill_ratio", "queue"), ">", 0.9),
              summary="A queue is nearly at its bound", shown="{queue} is full to {value}; then callers are refused.",
              runbook="queue-full"),
    )  # fmt: skip


def machinery() -> Sequence[Alert]:
    return (
        Alert(name="JobsRelayDown", severity=Severity.PAGE,
              when=Is(Since(by_max("jobs_relay_last_tick_timestamp_seconds")), ">", 60),
              summary="No relay runs", shown="No relay has gone through its loop for a minute.",
              runbook="relay-down"),
        Alert(name="JobsBrokerFull", severity=Severity.TICKET, lasting=2 * MINUTE,
              # Hints need little; what fills it is somebody else's, and grows. Nothing is lost when it is full.
              when=Is(by_max("jobs_broker_memory_ratio"), ">", 0.85), summary="The broker's memory is nearly full",
              shown="The broker uses {value} of its memory; full, it takes no hints.", runbook="broker-full"),
        Alert(name="JobsBooksDoNotBalance", severity=Severity.PAGE,
              when=Is(by_max("jobs_books_breaches"), ">", 0), summary="Accepted jobs are missing",
              shown="The audit found {value} breaches.", runbook="books-do-not-balance"),
        Alert(name="JobsBooksNotAudited", severity=Severity.TICKET,
              when=Is(Since(by_max("jobs_books_verified_timestamp_seconds")), ">", 2 * 24 * 3600),
              summary="The daily audit of the books does not run",
              shown="The newest audit is {value} s old.", runbook="books-not-audited"),
        Alert(name="JobsLongTransaction", severity=Severity.TICKET, lasting=5 * MINUTE,
              when=Is(by_max("jobs_oldest_transaction_seconds"), ">", conf.long_transaction().total_seconds()),
              summary="Somebody holds a transaction open for an hour",
              shown="A transaction has been open for {value} s; PostgreSQL cannot clean up behind it.",
              runbook="long-transaction"),
    )  # fmt: skip


def time_itself() -> Sequence[Alert]:
    return (
        Alert(name="JobsBeatAbsent", severity=Severity.PAGE, lasting=2 * MINUTE,
              # Longer than a deploy's gap between two beats.
              when=Is(by_max("jobs_schedule_troubles", kind="no_beat"), ">", 0), summary="No beat is alive",
              shown="Nothing that is scheduled is enqueued.", runbook="beat-stands-still"),
        Alert(name="JobsScheduleLate", severity=Severity.TICKET, lasting=2 * MINUTE,
              when=Is(by_max("jobs_schedule_troubles", kind="late"), ">", 0),
              summary="A schedule's tick has not been accounted for",
              shown="{value} schedules are late, although beats are alive or should be.",
              runbook="beat-stands-still"),
        Alert(name="JobsScheduleStopped", severity=Severity.TICKET, labels=("kind",),
              when=Is(by_max("jobs_schedule_troubles", "kind", kind="paused|unreadable"), ">", 0),
              summary="A schedule does not tick any more", shown="{value} schedules are {kind}.",
              runbook="beat-stands-still"),
        Alert(name="JobsClockWrong", severity=Severity.TICKET, lasting=5 * MINUTE, labels=("host",),
              when=Is(apart("jobs_clock_offset_seconds", "host"), ">", conf.clock_tolerance().total_seconds()),
              summary="A machine's clock is not the database's",
              shown="The clock of {host} is {value} s from the database's.", runbook="clock-wrong"),
    )  # fmt: skip


def monitoring() -> Sequence[Alert]:
    return (
        Alert(name="JobsMetricsAbsent", severity=Severity.PAGE, lasting=3 * MINUTE,
              when=Absent(by_max("jobs_snapshot_timestamp_seconds")), summary="There are no metrics of jobs",
              shown="Nothing tells of jobs: every other alert is blind.", runbook="metrics-absent",
              only_prometheus=True),
        Alert(name="JobsMetricsStale", severity=Severity.PAGE,
              when=Is(Since(by_max("jobs_snapshot_timestamp_seconds")), ">", 120),
              summary="The metrics of jobs stand still", shown="The newest snapshot is {value} s old.",
              runbook="metrics-absent"),
        Alert(name="JobsWatchdog", severity=Severity.NONE, when=Always(),
              summary="The alarm itself works", shown="It always fires: whoever misses it knows that no alert comes.",
              runbook="metrics-absent", only_prometheus=True),
    )  # fmt: skip
