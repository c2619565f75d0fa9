"""The gauges: what each part of the ledger says now, as samples of the catalogue."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from idempotency import gauges, reads
from idempotency.gauges import Load
from idempotency.statements import Connection
from idempotency.states import Reason
from jobs import conf, pulses, registry
from jobs.metrics import migrating, reading, trends
from jobs.metrics.calls import NAME as VENDOR_CALLS
from jobs.metrics.calls import TROUBLE
from jobs.metrics.catalogue.words import GIVEN_UP, HOST, QUANTILES, SCHEDULE, TROUBLES
from jobs.metrics.samples import Sample, sample
from jobs.schedules import reads as schedules

MINUTES = """
SELECT queue, sum(enqueued), sum(succeeded), sum(failed_permanent), sum(dead_lettered), sum(retried)
FROM jobs_minute WHERE minute >= date_trunc('minute', statement_timestamp()) - interval '15 minutes' GROUP BY queue
"""
PULSES = """
SELECT kind, extract(epoch FROM max(seen_at))::float8, max(found) FROM jobs_pulse
WHERE kind <> 'broker' OR seen_at > statement_timestamp() - interval '1 minute' GROUP BY kind
"""
NEWEST_MARK = "SELECT extract(epoch FROM max(at))::float8 FROM jobs_mark"


def depth(connection: Connection) -> Iterator[Sample]:
    for load in gauges.loads(connection, {queue: conf.deadline(queue) for queue in conf.queues()}):
        by_state = {"ready": 0 if load.paused else load.due, "paused": load.due if load.paused else 0,
                    "scheduled": load.scheduled, "held": load.held, "parked": load.parked,
                    "running": load.running}  # fmt: skip
        for state, jobs in by_state.items():
            yield sample("jobs_queue_depth", jobs, queue=load.queue, state=state)
        bound = conf.bound(load.queue)
        yield sample("jobs_queue_fill_ratio", (load.due + load.scheduled) / bound if bound else 0, queue=load.queue)
        yield sample("jobs_leases_overdue", load.overdue, queue=load.queue)
        yield from _ages(load, conf.criticality(load.queue))


def _ages(load: Load, criticality: str) -> Iterator[Sample]:
    yield sample("jobs_oldest_due_age_seconds", load.oldest, queue=load.queue, criticality=criticality)
    if conf.deadline(load.queue) is not None:
        yield sample("jobs_due_deficit", load.late, queue=load.queue, criticality=criticality)
    for quantile, age in zip(QUANTILES, (load.age_p50, load.age_p95, load.age_p99), strict=True):
        yield sample("jobs_waiting_age_seconds", age, queue=load.queue, quantile=quantile)


def ends(connection: Connection) -> Iterator[Sample]:
    """Of the last quarter of an hour, from the minutes that the relay has counted."""
    known = set(conf.queues())
    for queue, enqueued, succeeded, failed, dead, retried in _rows(connection, MINUTES):
        if queue not in known:
            continue
        ended = succeeded + failed + dead
        yield sample("jobs_recent_enqueued", enqueued, queue=queue)
        yield sample("jobs_recent_retries", retried, queue=queue)
        for state, jobs in zip(("succeeded", *GIVEN_UP), (succeeded, failed, dead), strict=True):
            yield sample("jobs_recent_ends", jobs, queue=queue, state=state)
        if ended:
            yield sample("jobs_success_ratio", succeeded / ended, queue=queue)
        if ended + retried:
            yield sample("jobs_retry_ratio", retried / (ended + retried), queue=queue)


def given_up(connection: Connection) -> Iterator[Sample]:
    """Every series is there from the start, at 0: a counter that is born at 25 shows no increase."""
    found = gauges.given_up(connection)
    ever = {(g.queue, g.state, g.reason): g.ever for g in found}
    for queue in conf.queues():
        for state in GIVEN_UP:
            lately = sum(g.last_hour for g in found if (g.queue, g.state) == (queue, state))
            yield sample("jobs_given_up_last_hour", lately, queue=queue, state=state)
            for reason in Reason:
                jobs = ever.get((queue, state, reason.value), 0)
                yield sample("jobs_given_up_total", jobs, queue=queue, state=state, reason=reason.value)


def dead_letters(connection: Connection) -> Iterator[Sample]:
    found = gauges.unresolved(connection)
    jobs = {(o.queue, o.state): o.jobs for o in found}
    for queue in conf.queues():
        for state in GIVEN_UP:
            yield sample("jobs_dead_letters", jobs.get((queue, state), 0), queue=queue, state=state)
        oldest = max((o.oldest for o in found if o.queue == queue), default=0)
        yield sample("jobs_dead_letter_oldest_seconds", oldest, queue=queue)
    yield sample("jobs_attempts_lost", gauges.lost_attempts(connection))


def pauses(connection: Connection) -> Iterator[Sample]:
    for pause in reads.pauses(connection):
        if pause.queue not in conf.queues():
            continue
        of = {"queue": pause.queue, "vendor": pause.vendor or ""}
        if pause.since:
            yield sample("jobs_pause_started_timestamp_seconds", pause.since.timestamp(), kind=pause.kind.value, **of)
        if pause.paused and pause.until:
            yield sample("jobs_pause_ends_timestamp_seconds", pause.until.timestamp(), **of)


def vendors(connection: Connection) -> Iterator[Sample]:
    for queue, vendor, calls in gauges.tokens(connection):
        if queue in conf.queues():
            yield sample("jobs_vendor_tokens", calls, queue=queue, vendor=vendor)
    for vendor, totals in reading.by_first_label(reading.recent(connection, VENDOR_CALLS)).items():
        calls = sum(t.sums.count for t in totals)
        troubled = sum(t.sums.count for t in totals if t.labels[1] in TROUBLE)
        yield sample("jobs_vendor_recent_calls", calls, vendor=vendor)
        yield sample("jobs_vendor_error_ratio", troubled / calls, vendor=vendor)
        for quantile, share in QUANTILES.items():
            took = reading.quantile(VENDOR_CALLS, share, totals)
            yield sample("jobs_vendor_latency_seconds", took, vendor=vendor, quantile=quantile)


def workers(connection: Connection) -> Iterator[Sample]:
    alive, leaving = registry.live(connection), registry.draining(connection)
    for build in {tuple(w.build.items()) for w in alive if set(w.build) == set(registry.build())}:
        yield sample("jobs_build_info", 1, **dict(build))
    for queue in conf.queues():
        serving = [w for w in alive if queue in w.queues]
        slots, busy = sum(w.slots for w in serving), sum(w.busy for w in serving)
        yield sample("jobs_workers", len(serving), queue=queue)
        yield sample("jobs_workers_draining", sum(queue in w.queues for w in leaving), queue=queue)
        if told := [w.memory for w in serving if w.memory]:
            yield sample("jobs_worker_memory_bytes", max(told), queue=queue)
        yield sample("jobs_worker_slots", slots, queue=queue)
        yield sample("jobs_worker_slots_busy", busy, queue=queue)
        yield sample("jobs_worker_saturation_ratio", busy / slots if slots else 0, queue=queue)


def clocks(connection: Connection) -> Iterator[Sample]:
    """Of each machine the program that says the worst; of more machines than there may be series the worst ones."""
    told = [(w.name, w.clock_offset) for w in registry.live(connection) if w.clock_offset is not None]
    if schedules.installed():
        told += [(b.name.removesuffix(f":{b.name.rpartition(':')[2]}"), b.clock_offset)
                 for b in schedules.beats(connection)]  # fmt: skip
    worst: dict[str, float] = {}
    for name, offset in sorted(told, key=lambda one: -abs(one[1])):
        worst.setdefault(name.rpartition("@")[2], offset)
    for host, offset in list(worst.items())[: HOST.most]:
        yield sample("jobs_clock_offset_seconds", offset, host=host)


def machinery(connection: Connection) -> Iterator[Sample]:
    seen = {kind: (at, found) for kind, at, found in _rows(connection, PULSES)}
    yield sample("jobs_relay_last_tick_timestamp_seconds", seen.get(pulses.RELAY, (0, None))[0])  # 0: there was none
    if pulses.VERIFY in seen:
        verified_at, breaches = seen[pulses.VERIFY]
        yield sample("jobs_books_verified_timestamp_seconds", verified_at)
        yield sample("jobs_books_breaches", breaches)
    if pulses.BROKER in seen:
        yield sample("jobs_broker_memory_ratio", seen[pulses.BROKER][1])
    yield from _schedules(connection)
    yield sample("jobs_oldest_transaction_seconds", gauges.oldest_transaction(connection))
    ((mark,),) = _rows(connection, NEWEST_MARK)
    if mark is not None:
        yield sample("jobs_deploy_timestamp_seconds", mark)


def _schedules(connection: Connection) -> Iterator[Sample]:
    if not schedules.installed():
        return
    if (looked := schedules.last_tick(connection)) is not None:
        yield sample("jobs_beat_last_tick_timestamp_seconds", looked.timestamp())
    for name, due in sorted(schedules.next_due(connection).items(), key=lambda one: one[1])[: SCHEDULE.most]:
        yield sample("jobs_schedule_next_due_timestamp_seconds", due.timestamp(), schedule=name)
    found = Counter(trouble.kind for trouble in schedules.troubles(connection))
    for kind in TROUBLES:
        yield sample("jobs_schedule_troubles", found[kind], kind=kind)


PARTS = (
    depth,
    ends,
    trends.objective,
    trends.forecast,
    given_up,
    dead_letters,
    pauses,
    vendors,
    workers,
    clocks,
    machinery,
    migrating.stages,
    trends.tables,
)


def read(connection: Connection, taken_at: datetime) -> list[Sample]:
    """All gauges, and the totals of given-up jobs."""
    found = [one for part in PARTS for one in part(connection)]
    return [*found, sample("jobs_snapshot_timestamp_seconds", taken_at.timestamp())]


def _rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
