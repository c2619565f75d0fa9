"""What Grafana's dashboards show, in rows as people ask."""

from collections.abc import Mapping

from jobs import conf
from jobs.metrics.panels import Panel, a_second, ago, an_hour, greatest, heat, line, p95, stat, states

QUEUE, TO, TASK = "queue", "messaging_destination_name", "task"
RUNS, SENDS = "messaging_process_duration_seconds", "messaging_client_operation_duration_seconds"
PAUSED = "jobs_pause_started_timestamp_seconds"
MONTH = "30d"  # of the promise
Rows = Mapping[str, tuple[Panel, ...]]


def _of_critical(counted: str) -> str:
    """The sum over queues that are critical: a counter of queues does not say which are."""
    return f'sum({counted} and on (queue) max by (queue) (jobs_oldest_due_age_seconds{{criticality="critical"}}))'


def _left() -> str:
    """The share of the month's allowance that is left; below 0 the promise is broken."""
    missed = _of_critical(f"max by (queue) (increase(jobs_missed_total[{MONTH}]))")
    ended = _of_critical(f"sum by (queue) (max by (queue, state) (increase(jobs_ended_total[{MONTH}])))")
    return f"1 - {missed} / {ended} / {1 - conf.slo():g}"


def _missed(title: str, window: str, limit: float) -> Panel:
    query = greatest("jobs_slo_missed_ratio", QUEUE, where=f'criticality="critical",window="{window}"')
    return Panel(title=title, of="jobs_slo_missed_ratio", limit=limit, queries={"{{queue}}": query})


def _quantile(title: str, of: str, by: str, limit: float | None = None) -> Panel:
    return Panel(title=title, of=of, limit=limit, queries={f"{{{{{by}}}}}": greatest(of, by, where='quantile="0.95"')})


def overview() -> Rows:
    return {"Is anyone hurt?": _hurt(), "Flow": _flow(), "How they end": _ends(), "Workers": _workers(),
            "Schedules": _schedules(), "Machinery": _machinery()}  # fmt: skip


def _hurt() -> tuple[Panel, ...]:
    return (
        stat("Oldest critical job", "jobs_oldest_due_age_seconds",
             'max(jobs_oldest_due_age_seconds{criticality="critical"})', 600),
        stat("Given up within an hour", "jobs_given_up_last_hour",
             'sum(max by (queue, state) (jobs_given_up_last_hour{state="dead_lettered"}))', 21),
        stat("Waiting for a person", "jobs_dead_letters", "sum(max by (queue, state) (jobs_dead_letters))"),
        stat("Queues not well", PAUSED, f"count(max by (queue) ({PAUSED})) or vector(0)", 1, unit="short"),
        stat("Succeeded, worst queue", "jobs_success_ratio", 'min(jobs_success_ratio{queue=~"$queue"})'),
        stat("Allowance left, 30 days", "jobs_missed_total", _left(), 0, falls=True, signed=True, unit="percentunit"),
        stat("Workers alive", "jobs_workers", "sum(max by (queue) (jobs_workers))", 1, falls=True),
        stat("Metrics of", "jobs_snapshot_timestamp_seconds", "max(jobs_snapshot_timestamp_seconds) * 1000"),
    )  # fmt: skip


def _flow() -> tuple[Panel, ...]:
    return (
        line("Queue depth", "jobs_queue_depth", QUEUE, "state", stacked=True),
        _quantile("Job age, p95", "jobs_waiting_age_seconds", QUEUE, 600),
        line("Oldest job", "jobs_oldest_due_age_seconds", QUEUE, limit=600),
        a_second("Accepted a second", "jobs_enqueued_total", QUEUE),
        a_second("Ended a second", "jobs_ended_total", QUEUE, "state"),
        line("Job age in 15 minutes, p95", "jobs_forecast_age_seconds", QUEUE, limit=600),
        p95("Waited before they began, p95", "jobs_queue_wait_seconds", QUEUE),
        heat("Waited before they began, how many", "jobs_queue_wait_seconds", QUEUE),
        line("Past their deadline already", "jobs_due_deficit", QUEUE, limit=1, stacked=True),
        line("Share of the bound", "jobs_queue_fill_ratio", QUEUE, limit=0.9),
        line("Accepted in 15 minutes", "jobs_recent_enqueued", QUEUE),
        an_hour("Duplicates, within an hour", "jobs_duplicates_suppressed_total", QUEUE),
    )


def _ends() -> tuple[Panel, ...]:
    done = 'state="succeeded"'
    return (
        p95("From enqueue to end, p95", "jobs_end_to_end_seconds", QUEUE, done),
        _missed("Critical jobs missed, of the last hour", "1h", 0.072),
        _missed("Critical jobs missed, of three days", "3d", 0.005),
        line("Success rate", "jobs_success_ratio", QUEUE),
        line("Retry rate", "jobs_retry_ratio", QUEUE, limit=0.25),
        line("Dead letters", "jobs_dead_letters", QUEUE, "state", stacked=True),
        an_hour("Given up, by reason", "jobs_given_up_total", "reason", QUEUE, "state"),
        an_hour("Failed attempts, by what became of them", "jobs_failed_attempts_total", "arrow", QUEUE),
        an_hour("Decided by people, within an hour", "jobs_dead_letters_resolved_total", "decision", QUEUE),
        a_second("Attempts a second", RUNS, TO, "error_type", suffix="_count"),
        p95("Run time, p95", RUNS, TO),
    )


def _workers() -> tuple[Panel, ...]:
    slots = {
        "{{queue}}": greatest("jobs_worker_slots", QUEUE),
        "{{queue}} busy": greatest("jobs_worker_slots_busy", QUEUE),
    }
    builds = ("version", "django", "celery", "python")
    return (
        line("Saturation", "jobs_worker_saturation_ratio", QUEUE, limit=0.9),
        Panel(title="Slots", of="jobs_worker_slots", queries=slots),
        line("Live workers", "jobs_workers", QUEUE),
        line("Workers that finish and leave", "jobs_workers_draining", QUEUE, stacked=True),
        line("Memory of the largest process", "jobs_worker_memory_bytes", QUEUE),
        line("Clocks ahead of the database's", "jobs_clock_offset_seconds", "host", signed=True),
        Panel(title="Builds at work", of="jobs_build_info", unit="short",
              queries={"{{version}}, Django {{django}}, Celery {{celery}}, Python {{python}}":
                       greatest("jobs_build_info", *builds)}),
        Panel(title="Lost attempts", of="jobs_attempts_lost", limit=6,
              queries={"lost": greatest("jobs_attempts_lost")}),
        an_hour("Worker processes that died, within an hour", "jobs_children_lost_total", "how"),
        line("Overdue leases", "jobs_leases_overdue", QUEUE, limit=1),
    )  # fmt: skip


def _schedules() -> tuple[Panel, ...]:
    next_due = "jobs_schedule_next_due_timestamp_seconds"
    return (
        Panel(title="Ticks next in", of=next_due, kind="table", unit="s", signed=True, limit=-60, falls=True,
              queries={"schedule": f"sort(max by (schedule) ({next_due}) - time())"}),
        line("What is wrong with schedules", "jobs_schedule_troubles", "kind", limit=1, stacked=True),
        Panel(**ago("Last look of a beat", "jobs_beat_last_tick_timestamp_seconds")),
    )  # fmt: skip


def _machinery() -> tuple[Panel, ...]:
    one = (
        ("Oldest transaction", "jobs_oldest_transaction_seconds", 3600, "open for"),
        ("Memory of the broker", "jobs_broker_memory_ratio", 0.85, "in use"),
        ("Reading the metrics takes", "jobs_snapshot_duration_seconds", None, "took"),
        ("Breaches in the books", "jobs_books_breaches", 1, "breaches"),
    )
    single = [Panel(title=title, of=of, limit=limit, queries={word: greatest(of)}) for title, of, limit, word in one]
    return (
        Panel(**ago("Last tick of a relay", "jobs_relay_last_tick_timestamp_seconds"), limit=60),
        *single,
        Panel(**ago("Last audit of the books", "jobs_books_verified_timestamp_seconds")),
        a_second("Hints received", "messaging_client_consumed_messages_total", TO),
        a_second("Hints sent", "messaging_client_sent_messages_total", TO, "error_type"),
        p95("Sending a hint takes, p95", SENDS, TO),
        line("Size of the tables", "jobs_table_bytes", "relation", stacked=True),
        line("Rows of the tables", "jobs_table_rows", "relation", stacked=True),
        line("Dead rows", "jobs_table_dead_rows", "relation", stacked=True),
    )


def vendors() -> Rows:
    latency, calls, by = "jobs_vendor_latency_seconds", "jobs_vendor_request_duration_seconds", "vendor"
    since = greatest(PAUSED, by, "kind")
    ends = greatest("jobs_pause_ends_timestamp_seconds", by, QUEUE)
    return {
        "Vendors": (
            _quantile("Latency, p95", latency, by),
            line("Share of errors", "jobs_vendor_error_ratio", by, limit=0.2),
            line("Calls in 15 minutes", "jobs_vendor_recent_calls", by),
            a_second("Answers a second", calls, by, "outcome", suffix="_count"),
            heat("Latency, how many", calls, by),
            line("Calls that the limit allows now", "jobs_vendor_tokens", by, QUEUE),
        ),
        "Pauses": (
            states("Not well", PAUSED, f"{since} > bool 0", "{{vendor}} {{kind}}", "not well"),
            Panel(title="Not well for", of=PAUSED, unit="s", limit=600,
                  queries={"{{vendor}} {{kind}}": f"time() - {since}"}),
            Panel(title="The pause ends in", of="jobs_pause_ends_timestamp_seconds", unit="s",
                  queries={"{{vendor}} {{queue}}": f"{ends} - time()"}),
            p95("Asked to be left alone for, p95", "jobs_vendor_retry_after_seconds", by),
            an_hour("Asked to be left alone, within an hour", "jobs_vendor_retry_after_seconds", by, suffix="_count"),
        ),
    }  # fmt: skip


def tasks() -> Rows:
    seconds = "jobs_task_seconds"
    took = f"sum by (task) ({greatest(seconds, TASK, 'outcome', suffix='_sum', over='rate({}[5m])')})"
    ran = f"sum by (task) ({greatest(seconds, TASK, 'outcome', suffix='_count', over='rate({}[5m])')})"
    failed = greatest(seconds, TASK, "outcome", suffix="_count", over="rate({}[5m])", where='outcome!="succeeded"')
    stage = greatest("jobs_migration_stage", "flow", "stage")
    return {
        "Tasks": (
            Panel(title="Workers that it keeps busy", of=seconds, unit="short", stacked=True,
                  queries={"{{task}}": took}),
            Panel(title="Attempts a second, by task", of=seconds, unit="ops", stacked=True, queries={"{{task}}": ran}),
            Panel(title="Run time, mean", of=seconds, queries={"{{task}}": f"{took} / {ran}"}),
            Panel(title="Share of attempts that fail", of=seconds, unit="percentunit",
                  queries={"{{task}}": f"sum by (task) ({failed}) / {ran}"}),
            a_second("Attempts a second, by outcome", seconds, TASK, "outcome", suffix="_count"),
        ),
        "Migrations": (
            states("How far", "jobs_migration_stage", f"{stage} == 1", "{{flow}} {{stage}}", "now"),
            an_hour("Messages without a record, within an hour", "jobs_unrecorded_messages_total", "became", TASK),
        ),
    }  # fmt: skip
