"""`manage.py jobs VERB`, for people and, with --json, for programs."""

import json
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from idempotency import queues, transitions
from idempotency.models import Queue
from jobs import registry
from tests.app.tasks import Mark, mark_each_time
from tests.records import OOPS, by_hand, claim, let_leases_run_out
from tests.settings import BENCH_VENDORS

pytestmark = pytest.mark.django_db


@pytest.fixture
def jobs(capsys):
    """Runs a verb; returns what it prints, or with `as_json` what that means."""

    def run(*arguments, as_json=True):
        capsys.readouterr()
        call_command("jobs", *arguments, *(["--json"] if as_json else []))
        printed = capsys.readouterr().out
        return json.loads(printed) if as_json else printed

    return run


def pause(seconds=None):
    duration = None if seconds is None else timedelta(seconds=seconds)
    queues.pause(connection, "default", duration=duration, reason="vendor is down", by="ann")


def register(**worker):
    about = {"name": "w1@host", "pid": 1, "queues": ["default"], "tasks": {}, "slots": 4, "busy": 1}
    registry.report(connection, **(about | worker))


def test_status_tells_queues_and_workers(jobs):
    Mark.enqueue_many({"name": f"n{i}"} for i in range(4))
    claim(connection, 1)
    Mark.using(delay=timedelta(hours=1)).enqueue(name="later")
    register()
    told = jobs("status")
    (default,) = [q for q in told["queues"] if q["queue"] == "default"]
    assert default | {"claimable": 3, "waiting": 1, "processing": 1, "workers": 1, "slots": 4} == default
    (worker,) = told["workers"]
    assert worker | {"worker": "w1@host", "queues": ["default"], "busy": 1, "slots": 4, "state": "alive"} == worker
    text = jobs("status", as_json=False)
    assert "claimable" in text
    assert "w1@host" in text


def test_status_tells_how_many_jobs_may_wait(jobs):
    bounds = {q["queue"]: q["bound"] for q in jobs("status")["queues"]}
    assert bounds == dict.fromkeys(BENCH_VENDORS) | {
        "critical": None, "default": 100_000, "billing-sync": 100_000, "bulk-import": 1_000_000,
        "throttled": None, "holding": 10, "narrow": 10,
    }  # fmt: skip
    assert "100000" in jobs("status", as_json=False)


def test_status_says_when_no_worker_is_alive(jobs):
    assert "No worker is alive" in jobs("status", as_json=False)


def test_status_tells_who_is_finishing_and_that_nobody_else_is_there(jobs):
    register()
    registry.drains(connection, "w1@host", 1)
    (worker,) = jobs("status")["workers"]
    assert (worker["worker"], worker["state"], worker["busy"]) == ("w1@host", "finishing", None)
    text = jobs("status", as_json=False)
    assert "finishing" in text
    assert "No worker is alive" in text


def test_status_tells_what_a_worker_knows_of_its_machine_and_whose_clock_is_wrong(jobs):
    register(memory=123_456_789, clock_offset=-10.26)
    register(name="w2@host", clock_offset=9.9)
    first, second = jobs("status")["workers"]
    assert (first["memory_mb"], first["clock_offset"], first["alert"]) == (123, -10.3, True)
    assert (second["memory_mb"], second["clock_offset"], second["alert"]) == (None, 9.9, False)


def queued(**using):
    return Mark.using(**using).enqueue(name="a").id


def given_up():
    id_ = queued()
    transitions.fail(connection, claim(connection)[0], OOPS)
    return id_


def done():
    id_ = queued()
    transitions.succeed(connection, claim(connection), ["1"])
    return id_


def running():
    id_ = queued()
    claim(connection, claimed_by="w1@host/hint")
    return id_


def frozen():
    id_ = running()
    let_leases_run_out(connection)
    return id_


def paused(seconds=None):
    id_ = queued()
    pause(seconds)
    return id_


def parked():
    id_ = queued()
    transitions.give_back(connection, claim(connection), parked_reason="no worker knows tests.app.Mark")
    return id_


def retried():
    id_ = queued()
    transitions.retry(connection, claim(connection)[0], delay=timedelta(hours=1), problem=OOPS)
    return id_


def spent():
    id_ = queued()
    by_hand(connection, "UPDATE idempotency_record SET attempt = max_attempts")
    return id_


def behind_others():
    Mark.enqueue_many({"name": f"n{i}"} for i in range(3))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE idempotency_record SET available_at = available_at - interval '1 minute'")
    register()
    return queued()


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (done, "It succeeded at .* UTC in attempt 1"),
        (given_up, r"It was given up \(failed_permanent, permanent\) after attempt 1 of 5: ValueError: oops"),
        (running, r"It is running: attempt 1 of 5 on w1@host/hint, lease for (60|5\d) s"),
        (frozen, "w1@host/hint is dead or frozen; the lease ran out .* Is `manage.py jobs relay` running"),
        (parked, "It is parked: no worker knows tests.app.Mark"),
        (paused, "Queue default is paused by ann until somebody resumes it: vendor is down"),
        (lambda: paused(60), r"Queue default is paused by ann until (60|5\d) s from now: vendor is down"),
        (lambda: queued(delay=timedelta(hours=1)), r"It is not due for 3(600|5\d\d)\.\d s: attempt 1 of 5$"),
        (retried, "It is not due for .* s: attempt 2 of 5 after ValueError: oops"),
        (spent, "Its attempts are used up; the relay will dead-letter it"),
        (queued, "No live worker consumes queue default. Start one: celery .* -Q default"),
        (
            behind_others,
            "It is claimable, behind 3 others of its account in queue default; 1 of 4 worker slots are busy",
        ),
    ],
)
def test_why_says_in_one_sentence_what_a_job_waits_for(jobs, made, sentence):
    id_ = made()
    told = jobs("why", str(id_))
    assert re.search(sentence, told["why"]), told["why"]
    assert told["id"] == str(id_)
    assert jobs("why", str(id_), as_json=False).strip()


def test_why_knows_no_job_that_was_never_enqueued(jobs):
    with pytest.raises(CommandError, match="never enqueued here"):
        jobs("why", str(uuid4()))


def test_why_wants_an_id(jobs):
    with pytest.raises(CommandError, match="no job id"):
        jobs("why", "everything")


def test_verify_balances(jobs):
    given_up()
    told = jobs("verify")
    assert (told["balanced"], told["breaches"]) == (True, [])
    assert told["tasks"][0] | {"task": "tests.app.Mark", "accepted": 1, "failed_permanent": 1} == told["tasks"][0]
    assert "The books balance." in jobs("verify", as_json=False)
    assert jobs("verify", "--task", "tests.app.Echo")["tasks"] == []


def test_verify_names_the_task_whose_record_is_gone(jobs, capsys):
    queued()
    by_hand(connection, "DELETE FROM idempotency_record")
    with pytest.raises(CommandError, match="do not balance") as failure:
        jobs("verify")
    assert failure.value.returncode == 1
    told = json.loads(capsys.readouterr().out)
    assert told["balanced"] is False
    assert "tests.app.Mark: 1 accepted records are gone" in told["breaches"][0]


def test_reap_returns_what_dead_workers_held(jobs):
    frozen()
    assert jobs("reap") == {"queued": 1, "dead_lettered": 0}
    assert "0 queued again" in jobs("reap", as_json=False)


@pytest.mark.django_db(transaction=True)
def test_prune_empties_old_successes(jobs):
    done()
    mark_each_time.enqueue(name="a")
    assert jobs("prune") == {"pruned": 0}
    assert jobs("prune", "--older-than-days", "0") == {"pruned": 1}
    assert "0 pruned" in jobs("prune", "--older-than-days", "0", as_json=False)


def test_pause_and_resume(jobs):
    queued()
    assert jobs("pause", "default", "--reason", "test") == {"queue": "default", "paused": True}
    assert claim(connection) == []
    assert "nothing changed" in jobs("pause", "default", "--reason", "test", "--seconds", "5", as_json=False)
    assert jobs("resume", "default") == {"queue": "default", "resumed": True}
    assert "was not paused" in jobs("resume", "default", as_json=False)
    assert claim(connection)


@pytest.mark.parametrize("end", [("--seconds", s) for s in ("-5", "0", "nan", "1e12", "1e300", "soon")]
                         + [("--until", "2020-01-01T00:00+00:00")])  # fmt: skip
def test_a_pause_that_ends_before_it_begins_or_never_is_refused(jobs, end):
    with pytest.raises(CommandError, match=r"no number of seconds|up to ten years|has passed"):
        jobs("pause", "default", "--reason", "test", "=".join(end))
    assert jobs("status")["pauses"] == []


def test_a_pause_from_before_there_were_kinds_is_an_operators(jobs):
    Queue.objects.create(name="default", paused_at=timezone.now())
    (pause,) = jobs("status")["pauses"]
    assert (pause["kind"], pause["alert"]) == ("operator", False)


@pytest.mark.parametrize("verb", [("pause", "nowhere", "--reason", "x"), ("resume", "nowhere")])
def test_a_queue_that_nobody_declared_is_refused(jobs, verb):
    with pytest.raises(CommandError, match="no queue 'nowhere' in JOBS_QUEUES; there are billing-sync"):
        jobs(*verb)


@pytest.mark.django_db(transaction=True)
def test_one_tick_of_the_relay(jobs, broker):
    queued()
    broker.flush()
    assert jobs("relay", "--once") | {"hints": 1, "reaped": 0} == jobs("relay", "--once") | {"hints": 1}
    assert broker.length("default") == 1
    assert "relay: hints 0" in jobs("relay", "--once", as_json=False)
