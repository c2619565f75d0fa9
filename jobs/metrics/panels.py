"""What Grafana's dashboards show: panels, each of a metric of the catalogue, in rows as people ask."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`queries`: legend → PromQL. The unit is that of `of`, but for what `rate` makes of it."""

    title: str
    of: str
    queries: Mapping[str, str]
    kind: str = "timeseries"
    limit: float | None = None  # where it turns red
    unit: str | None = None
    stacked: bool = False


def _stat(title: str, of: str, query: str, limit: float | None = None) -> Panel:
    return Panel(title=title, of=of, queries={title: query}, kind="stat", limit=limit)


IN_QUEUE = 'queue=~"$queue"'
OF_VENDOR = 'vendor=~"$vendor"'


def _missed(window: str) -> str:
    return f'max by (queue) (jobs_slo_missed_ratio{{criticality="critical",window="{window}",{IN_QUEUE}}})'


OVERVIEW = {
    "Is anyone hurt?": (
        _stat("Oldest critical job", "jobs_oldest_due_age_seconds",
              'max(jobs_oldest_due_age_seconds{criticality="critical"})', 600),
        _stat("Given up within an hour", "jobs_given_up_last_hour",
              'sum(max by (queue, state) (jobs_given_up_last_hour{state="dead_lettered"}))', 21),
        _stat("Waiting for a person", "jobs_dead_letters", "sum(max by (queue, state) (jobs_dead_letters))"),
        _stat("Queues not well", "jobs_pause_started_timestamp_seconds",
              "count(max by (queue) (jobs_pause_started_timestamp_seconds)) or vector(0)", 1),
        _stat("Success", "jobs_success_ratio", f"min(jobs_success_ratio{{{IN_QUEUE}}})"),
        _stat("Metrics of", "jobs_snapshot_timestamp_seconds", "max(jobs_snapshot_timestamp_seconds) * 1000"),
    ),
    "Flow": (
        Panel(title="Queue depth", of="jobs_queue_depth", stacked=True,
              queries={"{{queue}} {{state}}": f"max by (queue, state) (jobs_queue_depth{{{IN_QUEUE}}})"}),
        Panel(title="Job age, p95", of="jobs_waiting_age_seconds", limit=600,
              queries={"{{queue}}": f'max by (queue) (jobs_waiting_age_seconds{{quantile="0.95",{IN_QUEUE}}})'}),
        Panel(title="Oldest job", of="jobs_oldest_due_age_seconds", limit=600,
              queries={"{{queue}}": f"max by (queue) (jobs_oldest_due_age_seconds{{{IN_QUEUE}}})"}),
        Panel(title="Job age in 15 minutes, p95", of="jobs_forecast_age_seconds", limit=600,
              queries={"{{queue}}": f"max by (queue) (jobs_forecast_age_seconds{{{IN_QUEUE}}})"}),
        Panel(title="Accepted in 15 minutes", of="jobs_recent_enqueued",
              queries={"{{queue}}": f"max by (queue) (jobs_recent_enqueued{{{IN_QUEUE}}})"}),
        Panel(title="Waited before they began, p95", of="jobs_queue_wait_seconds",
              queries={"{{queue}}": "histogram_quantile(0.95, sum by (le, queue) "
                       f"(rate(jobs_queue_wait_seconds_bucket{{{IN_QUEUE}}}[5m])))"}),
        Panel(title="Share of the bound", of="jobs_queue_fill_ratio", limit=0.9,
              queries={"{{queue}}": f"max by (queue) (jobs_queue_fill_ratio{{{IN_QUEUE}}})"}),
        Panel(title="Past their deadline already", of="jobs_due_deficit", limit=1, stacked=True,
              queries={"{{queue}}": f"max by (queue) (jobs_due_deficit{{{IN_QUEUE}}})"}),
        Panel(title="Duplicates, within an hour", of="jobs_duplicates_suppressed_total", unit="short", stacked=True,
              queries={"{{queue}}": "max by (queue) "
                       f"(increase(jobs_duplicates_suppressed_total{{{IN_QUEUE}}}[1h]))"}),
    ),
    "How they end": (
        Panel(title="From enqueue to end, p95", of="jobs_end_to_end_seconds",
              queries={"{{queue}}": "histogram_quantile(0.95, sum by (le, queue) "
                       f'(rate(jobs_end_to_end_seconds_bucket{{state="succeeded",{IN_QUEUE}}}[5m])))'}),
        Panel(title="Critical jobs missed, of the last hour", of="jobs_slo_missed_ratio", limit=0.072,
              queries={"{{queue}}": _missed("1h")}),
        Panel(title="Critical jobs missed, of three days", of="jobs_slo_missed_ratio", limit=0.005,
              queries={"{{queue}}": _missed("3d")}),
        Panel(title="Success rate", of="jobs_success_ratio",
              queries={"{{queue}}": f"max by (queue) (jobs_success_ratio{{{IN_QUEUE}}})"}),
        Panel(title="Retry rate", of="jobs_retry_ratio", limit=0.25,
              queries={"{{queue}}": f"max by (queue) (jobs_retry_ratio{{{IN_QUEUE}}})"}),
        Panel(title="Dead letters", of="jobs_dead_letters", stacked=True,
              queries={"{{queue}} {{state}}": f"max by (queue, state) (jobs_dead_letters{{{IN_QUEUE}}})"}),
        Panel(title="Decided by people, within an hour", of="jobs_dead_letters_resolved_total", unit="short",
              stacked=True, queries={"{{decision}}": "sum by (decision) (max by (queue, decision) "
                                     f"(increase(jobs_dead_letters_resolved_total{{{IN_QUEUE}}}[1h])))"}),
        Panel(title="Given up, by reason", of="jobs_given_up_total", unit="short", stacked=True,
              queries={"{{reason}}": "sum by (reason) (max by (queue, state, reason) "
                       f"(increase(jobs_given_up_total{{{IN_QUEUE}}}[1h])))"}),
        Panel(title="Attempts a second", of="messaging_process_duration_seconds", unit="ops", stacked=True,
              queries={"{{messaging_destination_name}} {{error_type}}":
                       "max by (messaging_destination_name, error_type) "
                       '(rate(messaging_process_duration_seconds_count{messaging_destination_name=~"$queue"}[5m]))'}),
        Panel(title="Run time, p95", of="messaging_process_duration_seconds",
              queries={"{{messaging_destination_name}}":
                       "histogram_quantile(0.95, sum by (le, messaging_destination_name) "
                       '(rate(messaging_process_duration_seconds_bucket{messaging_destination_name=~"$queue"}[5m])))'}),
    ),
    "Workers": (
        Panel(title="Saturation", of="jobs_worker_saturation_ratio", limit=0.9,
              queries={"{{queue}}": f"max by (queue) (jobs_worker_saturation_ratio{{{IN_QUEUE}}})"}),
        Panel(title="Slots", of="jobs_worker_slots",
              queries={"{{queue}}": f"max by (queue) (jobs_worker_slots{{{IN_QUEUE}}})",
                       "{{queue}} busy": f"max by (queue) (jobs_worker_slots_busy{{{IN_QUEUE}}})"}),
        Panel(title="Live workers", of="jobs_workers",
              queries={"{{queue}}": f"max by (queue) (jobs_workers{{{IN_QUEUE}}})"}),
        Panel(title="Workers that finish and leave", of="jobs_workers_draining", stacked=True,
              queries={"{{queue}}": f"max by (queue) (jobs_workers_draining{{{IN_QUEUE}}})"}),
        Panel(title="Builds at work", of="jobs_build_info", unit="short",
              queries={"{{version}}, Django {{django}}, Celery {{celery}}, Python {{python}}":
                       "max by (version, django, celery, python) (jobs_build_info)"}),
        Panel(title="Lost attempts", of="jobs_attempts_lost", limit=6,
              queries={"lost": "max(jobs_attempts_lost)"}),
        Panel(title="Worker processes that died", of="jobs_children_lost_total", unit="short",
              queries={"died": "max(increase(jobs_children_lost_total[1h]))"}),
        Panel(title="Overdue leases", of="jobs_leases_overdue", limit=1,
              queries={"{{queue}}": f"max by (queue) (jobs_leases_overdue{{{IN_QUEUE}}})"}),
    ),
    "Machinery": (
        Panel(title="Last tick of a relay", of="jobs_relay_last_tick_timestamp_seconds", unit="s", limit=60,
              queries={"ago": "time() - max(jobs_relay_last_tick_timestamp_seconds)"}),
        Panel(title="Oldest transaction", of="jobs_oldest_transaction_seconds", limit=3600,
              queries={"open for": "max(jobs_oldest_transaction_seconds)"}),
        Panel(title="Hints received", of="messaging_client_consumed_messages_total", unit="ops",
              queries={"{{messaging_destination_name}}": "max by (messaging_destination_name) "
                       "(rate(messaging_client_consumed_messages_total[5m]))"}),
        Panel(title="Hints sent", of="messaging_client_sent_messages_total", unit="ops",
              queries={"{{messaging_destination_name}} {{error_type}}":
                       "max by (messaging_destination_name, error_type) "
                       "(rate(messaging_client_sent_messages_total[5m]))"}),
        Panel(title="Sending a hint takes, p95", of="messaging_client_operation_duration_seconds",
              queries={"{{messaging_destination_name}}":
                       "histogram_quantile(0.95, sum by (le, messaging_destination_name) "
                       "(rate(messaging_client_operation_duration_seconds_bucket[5m])))"}),
        Panel(title="Memory of the broker", of="jobs_broker_memory_ratio", limit=0.85,
              queries={"in use": "max(jobs_broker_memory_ratio)"}),
        Panel(title="Reading the metrics takes", of="jobs_snapshot_duration_seconds",
              queries={"took": "max(jobs_snapshot_duration_seconds)"}),
        Panel(title="Last look of a beat", of="jobs_beat_last_tick_timestamp_seconds", unit="s",
              queries={"ago": "time() - max(jobs_beat_last_tick_timestamp_seconds)"}),
        Panel(title="What is wrong with schedules", of="jobs_schedule_troubles", limit=1, stacked=True,
              queries={"{{kind}}": "max by (kind) (jobs_schedule_troubles)"}),
        Panel(title="Breaches in the books", of="jobs_books_breaches", limit=1,
              queries={"breaches": "max(jobs_books_breaches)"}),
        Panel(title="Last audit of the books", of="jobs_books_verified_timestamp_seconds", unit="s",
              queries={"ago": "time() - max(jobs_books_verified_timestamp_seconds)"}),
        Panel(title="Size of the tables", of="jobs_table_bytes", stacked=True,
              queries={"{{relation}}": "max by (relation) (jobs_table_bytes)"}),
        Panel(title="Dead rows", of="jobs_table_dead_rows", stacked=True,
              queries={"{{relation}}": "max by (relation) (jobs_table_dead_rows)"}),
    ),
}  # fmt: skip
VENDORS = {
    "Vendors": (
        Panel(title="Latency, p95", of="jobs_vendor_latency_seconds",
              queries={"{{vendor}}": f'max by (vendor) (jobs_vendor_latency_seconds{{quantile="0.95",{OF_VENDOR}}})'}),
        Panel(title="Share of errors", of="jobs_vendor_error_ratio", limit=0.2,
              queries={"{{vendor}}": f"max by (vendor) (jobs_vendor_error_ratio{{{OF_VENDOR}}})"}),
        Panel(title="Calls in 15 minutes", of="jobs_vendor_recent_calls",
              queries={"{{vendor}}": f"max by (vendor) (jobs_vendor_recent_calls{{{OF_VENDOR}}})"}),
        Panel(title="Answers a second", of="jobs_vendor_request_duration_seconds", unit="ops", stacked=True,
              queries={"{{vendor}} {{outcome}}": "max by (vendor, outcome) "
                       f"(rate(jobs_vendor_request_duration_seconds_count{{{OF_VENDOR}}}[5m]))"}),
        Panel(title="Not well for", of="jobs_pause_started_timestamp_seconds", unit="s", limit=600,
              queries={"{{vendor}} {{kind}}": "time() - max by (vendor, kind) "
                       f"(jobs_pause_started_timestamp_seconds{{{OF_VENDOR}}})"}),
        Panel(title="The pause ends in", of="jobs_pause_ends_timestamp_seconds", unit="s",
              queries={"{{vendor}} {{queue}}": "max by (vendor, queue) "
                       f"(jobs_pause_ends_timestamp_seconds{{{OF_VENDOR}}}) - time()"}),
        Panel(title="Calls that the limit allows now", of="jobs_vendor_tokens",
              queries={"{{vendor}} {{queue}}": f"max by (vendor, queue) (jobs_vendor_tokens{{{OF_VENDOR}}})"}),
    ),
}  # fmt: skip
