"""What the gauges say of the records, to the job and to the second."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idempotency import gauges, queues, transitions
from idempotency.states import PauseKind, Reason
from jobs import hints, pulses, registry
from jobs.metrics import measuring, reading, snapshot
from jobs.metrics.calls import NAME as VENDOR_CALLS
from jobs.metrics.exposition import budget
from jobs.metrics.measuring import Sums
from tests.records import OOPS, by_hand, claim, enqueue, enqueue_plenty, own_connection
from tests.review import person

METRICS_PAGE = "/admin/jobs/overview/metrics/"
AGE = "jobs_oldest_due_age_seconds"
MINUTE = """
INSERT INTO jobs_minute (minute, queue, enqueued, succeeded, failed_permanent, dead_lettered, retried, depth, age, busy,
    slots)
VALUES (date_trunc('minute', statement_timestamp()) - %s::interval, 'default', 20, %s, 1, 1, %s, 0, 0, 0, 0)
"""
REPLAYED = """
UPDATE idempotency_record SET state = 'queued', reason = NULL, finished_at = NULL, attempt = 0, line = 0,
    fencing_token = fencing_token + 1, available_at = statement_timestamp()
"""
WAITED = "UPDATE idempotency_record SET available_at = statement_timestamp() - %s::interval WHERE id = %s"


def give_up(own, count, queue="default", how=transitions.fail):
    enqueue_plenty(own, count, queue=queue)
    for claimed in claim(own, count, queue):
        if how is transitions.fail:
            transitions.fail(own, claimed, OOPS)
        else:
            transitions.dead_letter(own, claimed, reason=Reason.POISON, problem=OOPS)


def age(read, queue="default", criticality="normal"):
    return read()(AGE, queue=queue, criticality=criticality)


def test_each_job_counts_in_one_state(own, read):
    enqueue_plenty(own, 3)
    claim(own, 1)
    enqueue(own, None, delay=timedelta(hours=1))
    enqueue(own, None, held=True)
    value = read()
    found = {s: value("jobs_queue_depth", queue="default", state=s)
             for s in ("ready", "running", "scheduled", "held", "parked", "paused")}  # fmt: skip
    assert found == {"ready": 2, "running": 1, "scheduled": 1, "held": 1, "parked": 0, "paused": 0}


def test_jobs_that_are_due_in_a_paused_queue_are_not_ready(own, read):
    enqueue_plenty(own, 2)
    queues.pause(own, "default", duration=None, reason="r", by="ann", kind=PauseKind.OPERATOR)
    value = read()
    assert value("jobs_queue_depth", queue="default", state="paused") == 2
    assert value("jobs_queue_depth", queue="default", state="ready") == 0


def test_the_95th_percentile_is_the_wait_that_95_of_100_do_not_exceed(own, read):
    for minutes, id_ in enumerate(enqueue_plenty(own, 100), start=1):
        by_hand(own, WAITED, timedelta(minutes=minutes), id_)
    told = read()("jobs_waiting_age_seconds", queue="default", quantile="0.95")
    assert told == pytest.approx(96 * 60, abs=5)  # 95 have waited less, nearest rank


@pytest.mark.parametrize("claimed", [False, True])
def test_the_oldest_job_is_one_that_waits_or_one_that_runs(own, read, claimed):
    (id_,) = enqueue(own, None)
    by_hand(own, WAITED, timedelta(minutes=11), id_)
    if claimed:
        claim(own)
    assert age(read) == pytest.approx(660, abs=5)


def test_a_job_for_later_has_no_age_before_its_time(own, read):
    enqueue(own, None, delay=timedelta(hours=1))
    assert age(read) == 0


def test_a_job_that_is_tried_again_every_minute_has_waited_since_its_first_attempt(own, read):
    (id_,) = enqueue(own, None)
    for _ in range(2):
        (claimed,) = claim(own)
        transitions.retry(own, claimed, delay=timedelta(0), problem=replace(OOPS, started_at=None))
    by_hand(own, "UPDATE idempotency_attempt SET started_at = statement_timestamp() - interval '11 minutes' "
                 "WHERE record_id = %s AND attempt = 1", id_)  # fmt: skip
    assert age(read) == pytest.approx(660, abs=5)


def test_a_replayed_job_begins_anew(own, read):
    enqueue(own, None, max_attempts=1)
    (claimed,) = claim(own)
    transitions.retry(own, claimed, delay=timedelta(0), problem=OOPS)
    by_hand(own, "UPDATE idempotency_attempt SET started_at = statement_timestamp() - interval '11 minutes'")
    by_hand(own, REPLAYED)
    assert age(read) == pytest.approx(0, abs=5)


def test_a_given_up_job_counts_within_the_hour_also_when_it_was_replayed(own, read):
    give_up(own, 3, how=transitions.dead_letter)
    by_hand(own, "UPDATE idempotency_record SET state = 'queued', reason = NULL, finished_at = NULL")
    value = read()
    assert value("jobs_given_up_last_hour", queue="default", state="dead_lettered") == 3
    assert value("jobs_given_up_total", queue="default", state="dead_lettered", reason="poison") == 3
    assert value("jobs_dead_letters", queue="default", state="dead_lettered") == 0


def test_what_was_given_up_two_hours_ago_is_summed_up_and_counts_in_the_total_alone(own, read):
    give_up(own, 5)
    own.execute("UPDATE idempotency_givenup SET at = at - interval '3 hours'")
    give_up(own, 2)
    for _ in range(2):
        gauges.sum_given_up(own)
    value = read()
    assert value("jobs_given_up_last_hour", queue="default", state="failed_permanent") == 2
    assert value("jobs_given_up_total", queue="default", state="failed_permanent", reason="permanent") == 7
    assert own.execute("SELECT count(*) FROM idempotency_givenup").fetchone() == (3,)


def test_every_way_to_give_up_is_noted_and_no_other_arrow(own, read):
    enqueue_plenty(own, 4)
    first, second, third, _ = claim(own, 4)
    transitions.succeed(own, [first], ["1"])
    transitions.fail(own, second, OOPS)
    transitions.dead_letter(own, third, reason=Reason.UNKNOWN_OUTCOME, problem=OOPS)
    assert own.execute("SELECT state, reason FROM idempotency_givenup ORDER BY id").fetchall() == [
        ("failed_permanent", "permanent"), ("dead_lettered", "unknown_outcome")]  # fmt: skip
    transitions.discard(own, [_seen(own, second.id)], by="ann", why="w")
    assert own.execute("SELECT count(*) FROM idempotency_givenup").fetchone() == (2,)


def _seen(own, id_):
    from idempotency.claims import Seen

    return Seen(id_, own.execute("SELECT fencing_token FROM idempotency_record WHERE id = %s", (id_,)).fetchone()[0])


def test_a_discarded_job_waits_for_nobody(own, read):
    give_up(own, 2)
    (id_,) = own.execute("SELECT id FROM idempotency_record LIMIT 1").fetchone()
    transitions.discard(own, [_seen(own, id_)], by="ann", why="w")
    assert read()("jobs_dead_letters", queue="default", state="failed_permanent") == 1


def test_counters_are_there_from_the_start(read):
    value = read()
    assert value("jobs_given_up_total", queue="critical", state="dead_lettered", reason="poison") == 0
    assert value("jobs_relay_last_tick_timestamp_seconds") == 0


def test_ratios_are_those_of_the_last_quarter_of_an_hour(own, read):
    own.execute(MINUTE, (timedelta(minutes=1), 18, 5))
    own.execute(MINUTE, (timedelta(minutes=15), 18, 15))
    own.execute(MINUTE, (timedelta(minutes=16), 1000, 1000))
    value = read()
    assert value("jobs_success_ratio", queue="default") == 36 / 40
    assert value("jobs_retry_ratio", queue="default") == 20 / 60
    assert value("jobs_recent_retries", queue="default") == 20
    assert value("jobs_success_ratio", queue="critical") is None


def test_the_fullest_broker_that_a_relay_has_seen_within_a_minute_counts(own, read):
    pulses.beat(own, pulses.BROKER, "host 1", 0.5)
    pulses.beat(own, pulses.BROKER, "host 2", 0.7)
    assert read()("jobs_broker_memory_ratio") == 0.7
    own.execute("UPDATE jobs_pulse SET seen_at = seen_at - interval '61 seconds' WHERE name = 'host 2'")
    assert read()("jobs_broker_memory_ratio") == 0.5


def test_the_tables_that_grow_tell_their_size(own, read):
    before = read()("jobs_table_bytes", relation="idempotency_record")
    enqueue_plenty(own, 2_000)
    assert read()("jobs_table_bytes", relation="idempotency_record") > before
    assert read()("jobs_table_dead_rows", relation="idempotency_attempt") is not None


MISSED = """
INSERT INTO jobs_minute (minute, queue, succeeded, failed_permanent, dead_lettered, enqueued, retried, missed, age)
VALUES (date_trunc('minute', statement_timestamp()) - %s * interval '1 minute', 'critical', %s, 0, 0, 0, 0, %s, %s)
"""


def test_what_was_missed_is_told_of_each_window_alone(own, read):
    for minutes, ended, missed in ((5, 100, 1), (30, 100, 9), (61, 100, 40), (4321, 1000, 1000)):
        own.execute(MISSED, (minutes, ended, missed, None))
    value, of = read(), {"queue": "critical", "criticality": "critical"}
    found = {w: value("jobs_slo_missed_ratio", window=w, **of) for w in ("5m", "30m", "1h", "6h", "3d")}
    assert found == {"5m": 0.01, "30m": 0.05, "1h": 0.05, "6h": 50 / 300, "3d": 50 / 300}
    assert value("jobs_slo_missed", window="1h", **of) == 10


def test_where_nothing_ended_no_share_was_missed(own, read):
    own.execute(MISSED, (5, 0, 0, None))
    assert read()("jobs_slo_missed_ratio", queue="critical", criticality="critical", window="5m") is None


def test_the_forecast_goes_on_as_the_last_minutes_went(own, read):
    for minutes in range(1, 11):
        own.execute(MISSED, (minutes, 0, 0, 300 - 30 * minutes))  # half a second older with every second
    told = read()("jobs_forecast_age_seconds", queue="critical", criticality="critical")
    (second,) = own.execute("SELECT extract(second FROM statement_timestamp())::float8").fetchone()
    assert told == pytest.approx(270 + second / 2 + 450, abs=2)


def test_less_than_five_minutes_are_no_forecast(own, read):
    for minutes in range(1, 5):
        own.execute(MISSED, (minutes, 0, 0, 300 - 30 * minutes))
    assert read()("jobs_forecast_age_seconds", queue="critical", criticality="critical") is None


def test_workers_and_their_saturation(own, read):
    registry.report(own, name="w", pid=1, queues=["default", "critical"], tasks={}, slots=4, busy=3)
    registry.report(own, name="v", pid=2, queues=["default"], tasks={}, slots=4, busy=1)
    value = read()
    assert value("jobs_workers", queue="default") == 2
    assert value("jobs_worker_saturation_ratio", queue="default") == 0.5
    assert value("jobs_worker_saturation_ratio", queue="critical") == 0.75
    assert value("jobs_worker_saturation_ratio", queue="bulk-import") == 0


def test_a_pause_tells_since_when_its_episode_lasts(own, read):
    queues.pause(own, "billing-sync", duration=timedelta(minutes=1), reason="429", by="w", kind=PauseKind.RATE_LIMIT,
                 vendor="ledgerly")  # fmt: skip
    since = read()("jobs_pause_started_timestamp_seconds", queue="billing-sync", vendor="ledgerly", kind="rate_limit")
    assert since == own.execute("SELECT extract(epoch FROM episode_at)::float8 FROM idempotency_queue "
                                "WHERE name = 'billing-sync'").fetchone()[0]  # fmt: skip


def calls(*seconds, outcome="ok"):
    sums = Sums()
    for took in seconds:
        sums.observe(VENDOR_CALLS, took, "ledgerly", outcome)
    return sums


def test_a_vendors_latency_and_errors_are_those_of_the_last_quarter_of_an_hour(own, read):
    measuring.add(own, calls(*[0.07] * 90))
    measuring.add(own, calls(*[4.0] * 10, outcome="timeout"))
    old = "UPDATE jobs_measure SET minute = minute - interval '16 minutes' WHERE minute > 'epoch'"
    value = read()
    assert value("jobs_vendor_error_ratio", vendor="ledgerly") == 0.1
    assert value("jobs_vendor_recent_calls", vendor="ledgerly") == 100
    assert value("jobs_vendor_latency_seconds", vendor="ledgerly", quantile="0.5") == pytest.approx(
        0.05 + 0.05 * 50 / 90
    )
    assert value("jobs_vendor_latency_seconds", vendor="ledgerly", quantile="0.95") == pytest.approx(3.75)
    own.execute(old)
    assert read()("jobs_vendor_error_ratio", vendor="ledgerly") is None


def test_measures_add_up_over_minutes_and_workers(own):
    for _ in range(3):
        measuring.add(own, calls(0.07, 40.0))
        own.execute("UPDATE jobs_measure SET minute = minute - interval '3 hours' WHERE minute > 'epoch'")
    measuring.forget(own)
    (ever,) = reading.ever(own)
    assert (ever.labels, ever.sums.count, ever.sums.total) == (("ledgerly", "ok"), 6, pytest.approx(120.21))
    assert ever.sums.buckets == [0, 3, 0, 0, 0, 0, 0, 0, 0, 3]
    assert reading.recent(own, VENDOR_CALLS) == []


def test_hints_that_this_process_sends_are_measured_and_those_it_cannot_send(own, broker):
    measuring.here.take()
    hints.send("default", 3)
    broker.kill()
    with pytest.raises(Exception, match=r".+"):
        hints.send("default")
    measuring.write_here(own)
    found = {(t.metric, *t.labels): t.sums.count for t in reading.ever(own)}
    assert found == {
        ("messaging_client_sent_messages_total", "default", ""): 3,
        ("messaging_client_sent_messages_total", "default", "failed"): 1,
        ("messaging_client_operation_duration_seconds", "default", "send", ""): 1,
        ("messaging_client_operation_duration_seconds", "default", "send", "failed"): 1,
    }
    measuring.write_here(own)
    assert {(t.metric, *t.labels): t.sums.count for t in reading.ever(own)} == found


def test_a_pulse_tells_when_a_relay_last_ticked_and_what_the_audit_found(own, read):
    pulses.beat(own, pulses.RELAY, "host 1")
    pulses.beat(own, pulses.VERIFY, found=2)
    value = read()
    (now,) = own.execute("SELECT extract(epoch FROM statement_timestamp())::float8").fetchone()
    assert value("jobs_relay_last_tick_timestamp_seconds") == pytest.approx(now, abs=5)
    assert value("jobs_books_breaches") == 2


def test_whoever_asks_within_fifteen_seconds_is_told_the_same(own):
    first = snapshot.newest(own)
    enqueue_plenty(own, 2)
    assert snapshot.newest(own) == first
    own.execute("UPDATE jobs_snapshot SET taken_at = taken_at - interval '16 seconds'")
    assert snapshot.newest(own).value("jobs_queue_depth", queue="default", state="ready") == 2


def test_there_are_few_series(settings):
    from config.settings import JOBS_QUEUES

    settings.JOBS_QUEUES = JOBS_QUEUES
    assert budget() < 3_700


def test_the_metrics_are_a_page_in_the_admin_for_those_who_may_look(client, transactional_db):
    with own_connection() as connection:
        measuring.add(connection, calls(0.07))
        queues.pause(connection, "billing-sync", duration=None, reason="401", by="w", kind=PauseKind.REFUSED,
                     vendor="ledgerly")  # fmt: skip
    assert client.get(METRICS_PAGE).status_code == 302
    client.force_login(person("pause_queue"))
    assert client.get(METRICS_PAGE).status_code == 403
    client.force_login(person("view_record", name="viewer"))
    page = client.get(METRICS_PAGE).content.decode()
    assert "JobsVendorRefusesUs" in page
    assert "runbooks/vendor-refuses-us.md" in page
    assert '<th scope="row">ledgerly</th>' in page
    told = client.get(METRICS_PAGE, {"format": "json"}).json()
    assert ["jobs_vendor_recent_calls", {"vendor": "ledgerly"}, 1.0] in told["samples"]
