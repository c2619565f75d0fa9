"""The counters that a relay adds to, and what workers tell of tasks, vendors' waits, machines and old callers."""

import os
import time
from datetime import timedelta

import pytest

from idempotency import transitions
from idempotency.states import Reason
from jobs import minutes, registry
from jobs.metrics import by_task, counted, measuring, reading
from jobs.metrics.catalogue.words import TASK
from jobs.metrics.exposition import Ledger
from jobs.worker.dying import Dying
from jobs.worker.reporting import PAGE, largest
from tests.app.tasks import Mark
from tests.records import OOPS, by_hand, claim, enqueue_plenty

A_MINUTE_AGO = "date_trunc('minute', statement_timestamp()) - interval '90 seconds'"
ABOUT = {"pid": 1, "queues": ["default"], "tasks": {}, "slots": 4, "busy": 1}


@pytest.fixture(autouse=True)
def nothing_measured():
    measuring.here.take()
    yield
    measuring.here.take()


def totals(own, name):
    """Labels → how many were counted."""
    return {t.labels: t.sums.count for t in reading.ever(own) if t.metric == name}


def count_all(own):
    while minutes.count(own, ["default"]):
        pass


def test_what_came_and_ended_in_a_minute_is_counted_once(own):
    enqueue_plenty(own, 6)
    batch = claim(own, 4)
    transitions.succeed(own, batch[:2], ["null"] * 2)
    transitions.fail(own, batch[2], OOPS)
    transitions.dead_letter(own, batch[3], reason=Reason.POISON, problem=OOPS)
    by_hand(own, f"UPDATE idempotency_record SET created_at = {A_MINUTE_AGO}, finished_at = CASE WHEN finished_at "
                 f"IS NULL THEN NULL ELSE {A_MINUTE_AGO} END")  # fmt: skip
    for _ in range(2):
        count_all(own)
    assert totals(own, "jobs_enqueued_total") == {("default",): 6}
    ended = {("default", "succeeded"): 2, ("default", "failed_permanent"): 1, ("default", "dead_lettered"): 1}
    assert totals(own, "jobs_ended_total") == ended
    assert totals(own, "jobs_missed_total") == {("default",): 2}


def test_attempts_that_failed_are_counted_by_what_became_of_them(own):
    enqueue_plenty(own, 3)
    first, second, third = claim(own, 3)
    transitions.retry(own, first, delay=timedelta(0), problem=OOPS)
    transitions.fail(own, second, OOPS)
    by_hand(own, "UPDATE idempotency_record SET lease_expires_at = statement_timestamp() - interval '1 s' "
                 "WHERE id = %s", third.id)  # fmt: skip
    transitions.reap(own)
    by_hand(own, f"UPDATE idempotency_attempt SET finished_at = {A_MINUTE_AGO}")
    count_all(own)
    found = totals(own, "jobs_failed_attempts_total")
    assert found == {("default", arrow): 1 for arrow in ("retry", "fail", "reap")}


def test_a_queue_that_is_declared_no_more_is_not_counted(own):
    enqueue_plenty(own, 1, queue="gone")
    (claimed,) = claim(own, 1, "gone")
    transitions.retry(own, claimed, delay=timedelta(0), problem=OOPS)
    (since, until) = own.execute(
        "SELECT statement_timestamp() - interval '1 minute', statement_timestamp() + interval '1 minute'"
    ).fetchone()
    counted.add(own, ["default"], since, until)
    assert totals(own, "jobs_failed_attempts_total") == {}


def test_how_long_attempts_of_a_task_ran_is_a_sum_and_a_count(own):
    measuring.here.observe_all(by_task.SECONDS, (0.5, 2.5), "tests.app.Mark", "succeeded")
    measuring.write_here(own)
    families = {f.name: f for f in Ledger(lambda: ((), reading.ever(own))).collect()}
    told = {s.name: s.value for s in families["jobs_task_seconds"].samples}
    assert told == {"jobs_task_seconds_count": 2, "jobs_task_seconds_sum": 3}
    assert families["jobs_task_seconds"].type == "summary"


def test_a_task_beyond_the_hundredth_has_no_series_of_its_own(monkeypatch):
    monkeypatch.setattr("jobs.task.registered", lambda: {f"t{n:03}": Mark for n in range(150)})
    by_task._named.cache_clear()
    try:
        assert by_task.label("t000") == "t000"
        assert by_task.label("t149") == by_task.OTHER
        assert len({by_task.label(f"t{n:03}") for n in range(150)}) == TASK.most
    finally:
        by_task._named.cache_clear()


def test_many_values_are_added_as_one_by_one():
    one, all_ = measuring.Sums(), measuring.Sums()
    values = [0.004, 0.005, 0.0051, 400.0]
    for value in values:
        one.observe("messaging_process_duration_seconds", value, "default", "")
    all_.observe_all("messaging_process_duration_seconds", values, "default", "")
    assert one.entries == all_.entries


@pytest.fixture
def pipe(monkeypatch):
    monkeypatch.setattr(measuring, "_pipe", None)
    measuring.open_pipe()
    yield
    for end in measuring._pipe:
        os.close(end)


def test_what_a_child_hands_over_arrives_whole_however_much_it_is(pipe):
    inbox = measuring.Inbox()
    for n in range(200):
        measuring.here.observe_all(by_task.SECONDS, (1.0, 2.0), f"task-{n:04}", "succeeded")
    measuring.hand_over()
    inbox.read()
    assert len(inbox.sums.entries) == 200
    assert {(e.count, e.total) for e in inbox.sums.entries.values()} == {(2, 3.0)}
    assert not measuring.here.entries


def test_an_entry_that_arrives_in_two_parts_is_put_together(pipe, monkeypatch):
    monkeypatch.setattr(measuring, "PIECE", 7)
    inbox = measuring.Inbox()
    for name in ("a", "b"):
        measuring.here.observe(by_task.SECONDS, 1.5, name, "succeeded")
    measuring.hand_over()
    inbox.read()
    assert {labels[0]: e.total for (_, labels), e in inbox.sums.entries.items()} == {"a": 1.5, "b": 1.5}


def test_what_does_not_fit_into_the_pipe_is_handed_over_the_next_time(pipe):
    inbox = measuring.Inbox()
    for n in range(2_000):
        measuring.here.count("jobs_unrecorded_messages_total", f"a task with a long name {n:04}", "adopted")
    measuring.hand_over()
    assert measuring.here.entries, "a pipe takes 64 KiB"
    while measuring.here.entries:
        inbox.read()
        measuring.hand_over()
    inbox.read()
    assert len(inbox.sums.entries) == 2_000


def test_the_largest_process_is_told_and_one_that_is_gone_is_not():
    mine = largest([os.getpid(), 2**22 + 1])
    assert mine > 1000 * PAGE
    assert largest([2**22 + 1]) is None


def test_of_a_machine_the_worst_clock_is_told_and_of_a_queue_the_largest_process(own, read):
    registry.report(own, name="a@h1", clock_offset=0.2, memory=10, **ABOUT)
    registry.report(own, name="b@h1", clock_offset=-3.0, memory=30, **ABOUT)
    registry.report(own, name="c@h2", **ABOUT)
    value = read()
    assert value("jobs_clock_offset_seconds", host="h1") == -3.0
    assert value("jobs_clock_offset_seconds", host="h2") is None
    assert value("jobs_worker_memory_bytes", queue="default") == 30
    assert value("jobs_worker_memory_bytes", queue="critical") is None
    registry.report(own, name="b@h1", clock_offset=0.0, memory=5, **ABOUT)
    assert read()("jobs_clock_offset_seconds", host="h1") == 0.2


@pytest.mark.parametrize(("how", "kind"), [
    ("Worker exited prematurely: signal 9 (SIGKILL) Job: 3.", "killed"),
    ("Worker exited prematurely: signal 11 (SIGSEGV) Job: 3.", "crashed"),
    ("Worker exited prematurely: exitcode 1 Job: 3.", "exited"),
])  # fmt: skip
def test_a_death_is_called_by_what_ended_the_process(how, kind):
    assert Dying(how, 0.0).kind == kind


def test_what_a_release_with_other_labels_has_measured_is_passed_over(own):
    sums = measuring.Sums()
    sums.count("jobs_children_lost_total")
    sums.count("jobs_children_lost_total", "killed")
    measuring.add(own, sums)
    assert totals(own, "jobs_children_lost_total") == {("killed",): 1}


def test_a_report_is_answered_with_the_databases_time(own):
    before = own.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchone()[0]
    now = registry.report(own, name="w", **ABOUT)
    assert before <= now <= before + 5
    assert abs(now - time.time()) < 60


def test_how_far_a_flow_is_migrated_is_what_its_messages_say(own, read):
    def stage():
        value = read()
        return [s for s in ("legacy", "both", "full") if value("jobs_migration_stage", flow="t", stage=s)]

    assert stage() == []
    sums = measuring.Sums()
    sums.count("jobs_unrecorded_messages_total", "t", "refused")
    measuring.add(own, sums)
    assert stage() == ["legacy"]
    own.execute("UPDATE jobs_measure SET minute = minute - interval '25 hours' WHERE minute > 'epoch'")
    sums = measuring.Sums()
    sums.count("jobs_unrecorded_messages_total", "t", "adopted")
    measuring.add(own, sums)
    measuring.forget(own)
    assert stage() == ["both"]
    own.execute("UPDATE jobs_measure SET minute = minute - interval '23 hours' WHERE minute > 'epoch'")
    measuring.forget(own)
    assert stage() == ["both"], "a day is asked for"
    own.execute("UPDATE jobs_measure SET minute = minute - interval '2 hours' WHERE minute > 'epoch'")
    measuring.forget(own)
    assert stage() == ["full"]
