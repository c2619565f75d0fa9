"""Histories of series, minute by minute: for each alert some in which it fires, and some in which it must not.

Prometheus and `jobs watch` are told the same ones, and must say the same at every minute.
"""

from dataclasses import dataclass, field

from jobs.metrics.samples import sample

LONG = 45  # minutes
QUEUE = {"queue": "default"}
HOUR = 3600


@dataclass(frozen=True)
class History:
    """`series`: (metric, labels, values); a value that is None is not told. The last one goes on."""

    alert: str
    name: str
    series: list = field(default_factory=list)
    fires_at: int | None = None  # the minute; None: never
    minutes: int = 15

    def at(self, minute):
        """What is told in that minute."""
        found = []
        for metric, labels, values in self.series:
            value = values[min(minute, len(values) - 1)]
            if value is not None:
                found.append(sample(metric, value, **labels))
        return found


def oldest(*values, criticality="critical", queue="critical"):
    return ("jobs_oldest_due_age_seconds", {"queue": queue, "criticality": criticality}, values)


def given_up(*values, state="dead_lettered", queue="default"):
    return ("jobs_given_up_last_hour", {"queue": queue, "state": state}, values)


def paused(*values, vendor="ledgerly", kind="rate_limit"):
    return ("jobs_pause_started_timestamp_seconds", {"queue": "billing-sync", "vendor": vendor, "kind": kind}, values)


def of_queue(metric, *values, **labels):
    return (metric, QUEUE | labels, values)


def ready(*values):
    return of_queue("jobs_queue_depth", *values, state="ready")


def waited(*values, quantile="0.5"):
    return of_queue("jobs_waiting_age_seconds", *values, quantile=quantile)


def missed(window, share, jobs, criticality="critical"):
    labels = {"queue": "critical", "criticality": criticality, "window": window}
    return [("jobs_slo_missed_ratio", labels, share), ("jobs_slo_missed", labels, jobs)]


def burn(long, short, shares, still, jobs=(5,), **labels):
    return [*missed(long, shares, jobs, **labels), *missed(short, still, (1,), **labels)]


def forecast(*values, criticality="critical", waited_now=(121,)):
    age = ("jobs_waiting_age_seconds", {"queue": "critical", "quantile": "0.95"}, waited_now)
    return [("jobs_forecast_age_seconds", {"queue": "critical", "criticality": criticality}, values), age]


def bare(metric, *values):
    return (metric, {}, values)


def troubles(*values, kind):
    return ("jobs_schedule_troubles", {"kind": kind}, values)


def clock(*values, host="a"):
    return ("jobs_clock_offset_seconds", {"host": host}, values)


def of_vendor(metric, *values):
    return (metric, {"vendor": "ledgerly"}, values)


def _(alert, name, *series, fires_at=None, minutes=15):
    return History(alert, name, list(series), fires_at, minutes)


ASKED_FOR = [
    _("JobsCriticalTooOld", "601 seconds", oldest(0, 300, 601), fires_at=2),
    _("JobsCriticalTooOld", "exactly 10 minutes", oldest(0, 300, 600)),
    _("JobsCriticalTooOld", "an old job that is not critical", oldest(9999, criticality="normal", queue="default")),
    _("JobsDeadLetterSurge", "21 of one queue", given_up(0, 20, 21), fires_at=2),
    _("JobsDeadLetterSurge", "exactly 20", given_up(0, 20)),
    _("JobsDeadLetterSurge", "21 of two queues", given_up(11), given_up(10, queue="critical"), fires_at=0),
    _("JobsDeadLetterSurge", "21 that failed for good", given_up(21, state="failed_permanent")),
    _("JobsVendorPausedTooLong", "since the beginning", paused(1), fires_at=11),
    _("JobsVendorPausedTooLong", "each time for nine minutes", paused(1, *[1] * 8, 540, *[540] * 8)),
    _("JobsVendorPausedTooLong", "a queue of no vendor", paused(1, vendor="", kind="operator")),
]
WORKERS = [
    _("JobsNoWorkers", "for two minutes", ready(0, 5), of_queue("jobs_workers", 0), fires_at=3),
    _("JobsNoWorkers", "for one", ready(0, 5, 5, 0), of_queue("jobs_workers", 0)),
    _("JobsNoWorkers", "with one worker", ready(5), of_queue("jobs_workers", 1)),
    _("JobsWorkersIdle", "for two minutes", ready(5), waited(0, 121), of_queue("jobs_worker_slots", 2),
      of_queue("jobs_worker_slots_busy", 0), fires_at=3),
    _("JobsWorkersIdle", "one is busy", ready(5), waited(999), of_queue("jobs_worker_slots", 2),
      of_queue("jobs_worker_slots_busy", 1)),
    _("JobsWorkersIdle", "the queue is paused", ready(0), waited(999), of_queue("jobs_worker_slots", 2),
      of_queue("jobs_worker_slots_busy", 0)),
    _("JobsSaturated", "for ten minutes", waited(0, 61, quantile="0.95"),
      of_queue("jobs_worker_saturation_ratio", 1), fires_at=11),
    _("JobsSaturated", "with a moment's rest", waited(61, quantile="0.95"),
      of_queue("jobs_worker_saturation_ratio", 1, 1, 1, 1, 1, 0.5, 1)),
    _("JobsSaturated", "and nobody waits", waited(5, quantile="0.95"), of_queue("jobs_worker_saturation_ratio", 1)),
    _("JobsWorkersDying", "six attempts", bare("jobs_attempts_lost", 0, 6), fires_at=1),
    _("JobsWorkersDying", "five", bare("jobs_attempts_lost", 5)),
    _("JobsLeasesOverdue", "for a minute", of_queue("jobs_leases_overdue", 0, 1), fires_at=2),
    _("JobsLeasesOverdue", "until the next tick", of_queue("jobs_leases_overdue", 0, 1, 0, 1, 0)),
]  # fmt: skip
PROMISES = [
    _("JobsSloFastBurn", "a hundredth, then a tenth", *burn("1h", "5m", (0.01, 0.1), (0.1,)), fires_at=1),
    _("JobsSloFastBurn", "exactly 14.4 times", *burn("1h", "5m", (0.072,), (0.072,))),
    _("JobsSloFastBurn", "it is over", *burn("1h", "5m", (0.1,), (0.0,))),
    _("JobsSloFastBurn", "four jobs of a few", *burn("1h", "5m", (0.5,), (0.5,), jobs=(4,))),
    _("JobsSloFastBurn", "of a queue that is not critical", *burn("1h", "5m", (0.5,), (0.5,), criticality="normal")),
    _("JobsSloBurn", "for hours", *burn("6h", "30m", (0.02, 0.031), (0.05,)), fires_at=1),
    _("JobsSloBurn", "exactly six times", *burn("6h", "30m", (0.03,), (0.05,))),
    _("JobsSloSlowBurn", "for an hour", *burn("3d", "6h", (0.006,), (0.006,)), fires_at=60, minutes=70),
    _("JobsSloSlowBurn", "what is allowed", *burn("3d", "6h", (0.005,), (0.005,)), minutes=70),
    _("JobsSloSlowBurn", "no job since", *missed("3d", (0.006,), (5,)), minutes=70),
    _("JobsBacklogGrows", "for three minutes", *forecast(500, 601), fires_at=4),
    _("JobsBacklogGrows", "to ten minutes and no more", *forecast(600)),
    _("JobsBacklogGrows", "from next to nothing", *forecast(900, waited_now=(120,))),
    _("JobsBacklogGrows", "a queue that is not critical", *forecast(900, criticality="bulk")),
]
OUTCOMES = [
    _("JobsFailingForGood", "21", given_up(21, state="failed_permanent"), fires_at=0),
    _("JobsFailingForGood", "20", given_up(20, state="failed_permanent")),
    _("JobsRetryStorm", "every third", of_queue("jobs_retry_ratio", 0.3), of_queue("jobs_recent_retries", 31),
      fires_at=5),
    _("JobsRetryStorm", "every third of few", of_queue("jobs_retry_ratio", 0.3), of_queue("jobs_recent_retries", 30)),
    _("JobsVendorFailing", "every third", of_vendor("jobs_vendor_error_ratio", 0.3),
      of_vendor("jobs_vendor_recent_calls", 21), fires_at=5),
    _("JobsVendorFailing", "a fifth", of_vendor("jobs_vendor_error_ratio", 0.2),
      of_vendor("jobs_vendor_recent_calls", 100)),
    _("JobsVendorRefusesUs", "at once", paused(1, kind="refused"), fires_at=0, minutes=5),
    _("JobsVendorRefusesUs", "it only wants time", paused(1)),
    _("JobsDeadLettersUnreviewed", "a day and a second", of_queue("jobs_dead_letter_oldest_seconds", 24 * HOUR + 1),
      fires_at=0),
    _("JobsDeadLettersUnreviewed", "a day", of_queue("jobs_dead_letter_oldest_seconds", 24 * HOUR)),
    _("JobsParked", "for half an hour", of_queue("jobs_queue_depth", 1, state="parked"), fires_at=30, minutes=LONG),
    _("JobsParked", "for a deploy", of_queue("jobs_queue_depth", *[1] * 25, 0, state="parked"), minutes=LONG),
    _("JobsQueueFull", "for five minutes", of_queue("jobs_queue_fill_ratio", 0.91), fires_at=5),
    _("JobsQueueFull", "nine tenths", of_queue("jobs_queue_fill_ratio", 0.9)),
]  # fmt: skip
MACHINERY = [
    _("JobsRelayDown", "no relay for a minute", bare("jobs_relay_last_tick_timestamp_seconds", 0, 60, 120),
      fires_at=4),
    _("JobsRelayDown", "it ticks", bare("jobs_relay_last_tick_timestamp_seconds", *range(0, 20 * 60, 60))),
    _("JobsBrokerFull", "for two minutes", bare("jobs_broker_memory_ratio", 0.5, 0.86), fires_at=3),
    _("JobsBrokerFull", "for one", bare("jobs_broker_memory_ratio", 0.86, 0.86, 0.5)),
    _("JobsBrokerFull", "exactly 85 of 100", bare("jobs_broker_memory_ratio", 0.85)),
    _("JobsBeatAbsent", "for two minutes", troubles(0, 1, kind="no_beat"), fires_at=3),
    _("JobsBeatAbsent", "for a deploy", troubles(0, 1, 1, 0, kind="no_beat")),
    _("JobsScheduleLate", "for two minutes", troubles(2, kind="late"), fires_at=2),
    _("JobsScheduleLate", "for one", troubles(2, 2, 0, kind="late")),
    _("JobsScheduleStopped", "one of each", troubles(1, kind="paused"), troubles(1, kind="unreadable"), fires_at=0),
    _("JobsScheduleStopped", "one that is late", troubles(1, kind="late"), troubles(0, kind="paused")),
    _("JobsClockWrong", "behind for five minutes", clock(0, -10.1), fires_at=6),
    _("JobsClockWrong", "exactly as far as it may be", clock(10)),
    _("JobsClockWrong", "until it was corrected", clock(11, -12, 11, 0)),
    _("JobsClockWrong", "one host after the other", clock(11, 11, 11, 11, 0), clock(0, 0, 0, 0, 11, 0, host="b")),
    _("JobsBooksDoNotBalance", "one breach", bare("jobs_books_breaches", 0, 1), fires_at=1),
    _("JobsBooksDoNotBalance", "they balance", bare("jobs_books_breaches", 0)),
    _("JobsBooksNotAudited", "two days", bare("jobs_books_verified_timestamp_seconds", -2 * 24 * HOUR), fires_at=1),
    _("JobsBooksNotAudited", "this morning", bare("jobs_books_verified_timestamp_seconds", -8 * HOUR)),
    _("JobsLongTransaction", "an hour", bare("jobs_oldest_transaction_seconds", 3601), fires_at=5),
    _("JobsLongTransaction", "a backup", bare("jobs_oldest_transaction_seconds", 3601, 3661, 3721, 0)),
    _("JobsMetricsStale", "they stand still", bare("jobs_snapshot_timestamp_seconds", 0, 60, 120), fires_at=5),
    _("JobsMetricsStale", "they are told", bare("jobs_snapshot_timestamp_seconds", *range(0, 20 * 60, 60))),
]  # fmt: skip
# Of Prometheus alone.
MONITORING = [
    _("JobsMetricsAbsent", "never told", fires_at=3),
    _("JobsMetricsAbsent", "told", bare("jobs_snapshot_timestamp_seconds", *range(0, 20 * 60, 60))),
    _("JobsWatchdog", "always", fires_at=0),
]
BOTH = [*ASKED_FOR, *PROMISES, *WORKERS, *OUTCOMES, *MACHINERY]
ALL = [*BOTH, *MONITORING]
