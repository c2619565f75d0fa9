"""How a sweep is asked for, what it refuses, and what it tells."""

import io
import json
import sys

import pytest
from celery import current_app
from django.db import transaction
from kombu import Connection

from jobs.task import IdempotentTask
from jobs.testing import CrashSweepError, CrashSweepFailed, boundary, crash_sweep
from jobs.testing.report import Spot
from tests.app.models import Effect
from tests.app.tasks import Echo, FailForGood, Mark, MarkInCommit


def named(number):
    return {"name": f"run {number}"}


def test_what_is_no_task_is_refused():
    with pytest.raises(CrashSweepError, match=r"is no registered task\. Put it into tasks\.py of an installed app"):
        crash_sweep(print, payload={})


def test_a_task_that_another_one_replaced_is_refused():
    stray = type("Stray", (IdempotentTask,), {"abstract": True, "dedupe_key": None})
    with pytest.raises(CrashSweepError, match="is no registered task"):
        crash_sweep(stray, payload={})


def test_one_payload_for_all_runs_is_refused_where_it_would_be_one_job():
    with pytest.raises(CrashSweepError, match="Give payload as a function of the run's number"):
        crash_sweep(Mark, payload={"name": "always the same"})


def test_a_transaction_around_it_is_refused_because_nobody_else_could_see_into_it():
    with transaction.atomic(), pytest.raises(CrashSweepError, match="Use pytest-django's transactional_db"):
        crash_sweep(Mark, payload=named)


def test_a_broker_that_is_away_is_named(broker):
    broker.stop()
    with pytest.raises(CrashSweepError, match=r"No broker answers: .*refused.*set CELERY_BROKER_URL"):
        crash_sweep(Mark, payload=named)


def test_a_broker_in_memory_is_refused(monkeypatch):
    monkeypatch.setattr(current_app, "connection_for_write", lambda: Connection("memory://"))
    with pytest.raises(CrashSweepError, match="no other process can reach"):
        crash_sweep(Mark, payload=named)


def test_a_task_that_does_not_succeed_undisturbed_is_not_swept_and_its_error_is_told():
    with pytest.raises(CrashSweepError, match=r"does not end well.*PermanentError: run 0 can never succeed"):
        crash_sweep(FailForGood, payload=named)


def test_effects_that_are_not_counted_are_noticed_before_anything_is_swept():
    with pytest.raises(CrashSweepError, match="its effect happened 0 times"):
        crash_sweep(Mark, payload=named, effects=lambda _: 0)


@pytest.mark.parametrize(
    "only", ["worker", "worker 3", "worker x after", "pair 1", "nobody 1 after", "worker 99 after"]
)
def test_a_run_that_there_is_not_is_refused(only):
    with pytest.raises(CrashSweepError, match="names no run"):
        crash_sweep(Echo, payload=lambda number: {"value": number}, only=only)


@pytest.mark.parametrize("text", ["worker 7 after", "relay 3 before", "pair 4 9"])
def test_a_spot_is_read_as_it_is_written(text):
    assert str(Spot.parse(text)) == text


def test_a_death_that_does_not_land_is_a_violation_and_not_a_pass():
    """The later runs have a boundary less."""

    def ask(payload):
        if payload["name"] == "run 0":
            Effect.objects.create(name="only in the undisturbed run")
        Mark.enqueue(**payload)

    with pytest.raises(CrashSweepFailed) as failed:
        crash_sweep(Mark, payload=named, enqueue=ask, roles=("caller",), pairs=False)
    assert all("Nobody was hit at" in violation.says for violation in failed.value.sweep.violations)


def test_io_of_ones_own_is_a_boundary_once_it_is_marked():
    def ask(payload):
        with boundary("upload"):
            Mark.enqueue(**payload)

    sweep = crash_sweep(Mark, payload=named, enqueue=ask, roles=("caller",), pairs=False)
    assert sweep.names("caller")[0] == "own upload"


def test_a_marked_boundary_does_nothing_outside_a_sweep():
    with boundary("upload"):
        pass


def test_a_report_is_readable_by_people_and_machines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    sweep = crash_sweep(MarkInCommit, payload=named, roles=("caller",), pairs=3, seed=7, progress=True)
    assert "0 violations in 13 runs" in str(sweep)
    assert "drawn with seed 7" in str(sweep)
    told = json.loads(json.dumps(sweep.as_json()))
    assert (told["deaths"], told["pairs"], told["violations"]) == (10, 3, [])
    assert told["boundaries"]["caller"][2] == "commit COMMIT"
    assert "tests.app.MarkInCommit" in sys.stderr.getvalue()
    assert "runs, 0 violations" in sys.stderr.getvalue()
