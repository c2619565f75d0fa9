"""What stands in the way of jobs: deadlines that are past, pauses and limits, workers that leave; and what runs."""

import platform
import signal
from datetime import timedelta

import pytest

from idempotency import queues, transitions
from idempotency.queues import Limits
from idempotency.states import PauseKind
from jobs import conf, minutes, registry
from jobs.metrics import reading, snapshot
from tests.app.tasks import WaitForFile
from tests.processes import wait_until
from tests.records import OOPS, by_hand, claim, enqueue, enqueue_plenty, own_connection

NOW = timedelta(0)
DUE = "UPDATE idempotency_record SET available_at = statement_timestamp() - %s::interval WHERE id = %s"
TOOK = """
UPDATE idempotency_record SET created_at = date_trunc('minute', statement_timestamp()) - %s::interval,
    finished_at = date_trunc('minute', statement_timestamp()) - interval '90 seconds' WHERE id = %s
"""


def test_past_its_deadline_is_what_has_been_due_for_longer_and_has_not_begun(own, read):
    deficit = {"queue": "critical", "criticality": "critical"}
    for minutes_ago, id_ in zip((9, 11, 12, 13), enqueue_plenty(own, 4, queue="critical"), strict=True):
        by_hand(own, DUE, timedelta(minutes=minutes_ago), id_)
    enqueue(own, None, queue="critical", delay=timedelta(hours=1))
    assert read()("jobs_due_deficit", **deficit) == 3
    claim(own, 1, "critical")
    assert read()("jobs_due_deficit", **deficit) == 2


def test_a_queue_without_a_deadline_has_nothing_past_it(own, read):
    assert conf.deadline("default") is None
    assert read()("jobs_due_deficit", queue="default", criticality="normal") is None


def test_a_pause_tells_when_it_ends_and_one_without_an_end_does_not(own, read):
    of = {"queue": "billing-sync", "vendor": "ledgerly"}
    queues.pause(own, "billing-sync", duration=timedelta(minutes=5), reason="429", by="w", kind=PauseKind.RATE_LIMIT,
                 vendor="ledgerly")  # fmt: skip
    queues.pause(own, "default", duration=None, reason="r", by="ann", kind=PauseKind.OPERATOR)
    value = read()
    (ends,) = own.execute("SELECT extract(epoch FROM statement_timestamp() + interval '5 minutes')::float8").fetchone()
    assert value("jobs_pause_ends_timestamp_seconds", **of) == pytest.approx(ends, abs=5)
    assert value("jobs_pause_ends_timestamp_seconds", queue="default", vendor="") is None
    own.execute("UPDATE idempotency_queue SET paused_until = statement_timestamp() - interval '1 second'")
    assert read()("jobs_pause_ends_timestamp_seconds", **of) is None, "a probe is due"


def test_a_vendors_tokens_are_the_calls_that_would_wait_for_nothing(own, read):
    def tokens():
        return read()("jobs_vendor_tokens", queue="default", vendor="ledgerly")

    queues.configure(own, "default", "ledgerly", Limits())
    assert tokens() is None
    queues.configure(own, "default", "ledgerly", Limits(calls_per_second=0.01, burst=5))
    assert tokens() == 5
    enqueue_plenty(own, 3)
    assert len(claim(own, 3)) == 3
    assert tokens() == 2
    enqueue_plenty(own, 5)
    claim(own, 5)
    assert tokens() == 0
    own.execute("UPDATE idempotency_queue SET next_call_at = next_call_at - interval '101 seconds'")
    assert tokens() == 1


def test_how_long_jobs_took_is_told_of_each_once_and_of_no_replay(own):
    enqueue_plenty(own, 6)
    batch = claim(own, 6)
    transitions.succeed(own, batch[:4], ["null"] * 4)
    transitions.fail(own, batch[4], OOPS)
    for seconds, claimed in zip((91.0, 93.5, 400.0, 8000.0, 9000.0), batch[:5], strict=True):
        by_hand(own, TOOK, timedelta(seconds=seconds), claimed.id)
    by_hand(own, "UPDATE idempotency_record SET replay_count = 1 WHERE id = %s", batch[2].id)
    for _ in range(2):
        while minutes.count(own, ["default"]):
            pass
    found = {t.labels: t.sums for t in reading.ever(own) if t.metric == "jobs_end_to_end_seconds"}
    assert set(found) == {("default", "succeeded"), ("default", "failed_permanent")}
    done, failed = found["default", "succeeded"], found["default", "failed_permanent"]
    assert (done.count, done.total) == (3, pytest.approx(1 + 3.5 + 7910))
    assert done.buckets == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]  # le 1 is not below it
    assert (failed.count, failed.buckets[-1]) == (1, 1)


def test_the_builds_of_live_workers_are_told_and_none_of_an_older_release(own, read):
    about = {"pid": 1, "queues": ["default"], "tasks": {}, "slots": 4, "busy": 1}
    registry.report(own, name="new", **about)
    registry.report(own, name="old", **about)
    own.execute("UPDATE jobs_worker SET build = '{}' WHERE name = 'old'")
    value = read()
    build = dict(registry.build())
    assert build["python"] == platform.python_version()
    assert value("jobs_build_info", **build) == 1
    assert value("jobs_workers", queue="default") == 2


def test_who_says_that_it_leaves_serves_nobody_and_a_new_one_of_its_name_does(own, read):
    about = {"queues": ["default"], "tasks": {}, "slots": 4, "busy": 1}
    registry.report(own, name="w", pid=1, **about)
    registry.drains(own, "w", 1)
    value = read()
    assert value("jobs_workers_draining", queue="default") == 1
    assert value("jobs_workers_draining", queue="critical") == 0
    assert value("jobs_workers", queue="default") == value("jobs_worker_slots", queue="default") == 0
    registry.report(own, name="w", pid=2, **about)
    registry.drains(own, "w", 1)  # the old one still does
    value = read()
    assert value("jobs_workers_draining", queue="default") == 0
    assert value("jobs_workers", queue="default") == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_told_to_stop_says_so_while_it_finishes(spawn_worker, tmp_path):
    WaitForFile.enqueue(name="n", path=str(tmp_path / "go"))
    worker = spawn_worker("default")

    def told(metric):
        with own_connection() as own:
            return snapshot.newest(own, fresh=NOW).value(metric, queue="default")

    wait_until(lambda: told("jobs_worker_slots_busy") == 1)
    worker.signal(signal.SIGTERM)
    wait_until(lambda: told("jobs_workers_draining") == 1)
    assert told("jobs_workers") == 0
    (tmp_path / "go").touch()
    worker.wait_for_end()
    assert told("jobs_workers_draining") == 0
