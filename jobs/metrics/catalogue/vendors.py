"""What vendors answer, and how they are let be."""

from idempotency.states import PauseKind
from jobs.metrics.catalogue.words import (
    ASKED,
    BY_LABELS,
    BY_QUEUE,
    CALLS,
    LEDGER,
    MEASURED,
    ONE_ROW,
    OUTCOMES,
    PER_EVENT,
    QUANTILE,
    RARELY,
    RECENT,
    VENDOR,
    VENDOR_OR_NONE,
)
from jobs.metrics.entries import Kind, Metric, Unit, one_of

OF_VENDORS = (
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
    Metric(name="jobs_vendor_retry_after_seconds", kind=Kind.HISTOGRAM, unit=Unit.SECONDS, labels={"vendor": VENDOR},
           buckets=ASKED, help="How long vendors asked to be left alone, once for each job that was told so, cut to "
           "JOBS_MAX_PAUSE; one that named no time counts with the time that the queue was paused for.",
           source=MEASURED, cost=RARELY),
)  # fmt: skip
