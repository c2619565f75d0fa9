"""The verbs for whoever is on call."""

import json

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError

from jobs import pulses, registry
from jobs.metrics import measuring
from jobs.metrics.measuring import Sums
from tests.processes import wait_until
from tests.records import own_connection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def jobs(capsys):
    """Runs a verb; returns what it prints as JSON."""

    def run(*arguments):
        capsys.readouterr()
        call_command("jobs", *arguments, "--json")
        return json.loads(capsys.readouterr().out)

    return run


@pytest.fixture
def forgotten(database):
    """Somebody's session inside a transaction."""
    with psycopg.connect(database, application_name="a forgotten shell") as connection:
        connection.execute("SELECT 'a secret'")
        yield connection
        connection.close()


def test_who_holds_a_transaction_is_told_without_his_words(jobs, forgotten, capsys):
    told = jobs("transactions", "--older-than", "0")
    (shell,) = [t for t in told["transactions"] if t["application"] == "a forgotten shell"]
    assert shell["pid"] == forgotten.info.backend_pid
    assert shell["state"] == "idle in transaction"
    call_command("jobs", "transactions", "--older-than", "0")
    assert "a secret" not in capsys.readouterr().out
    assert jobs("transactions", "--older-than", "3600")["transactions"] == []


def test_a_session_is_ended_by_its_number_and_no_other_is(jobs, forgotten):
    pid = forgotten.info.backend_pid
    with pytest.raises(CommandError, match="no transaction open"):
        jobs("transactions", "--end", "1")
    assert jobs("transactions", "--end", str(pid))["ended"] == [pid]
    wait_until(lambda: jobs("transactions", "--older-than", "0")["transactions"] == [], 10)


def test_one_alert_is_asked_for_by_its_name(jobs):
    with pytest.raises(SystemExit, match="0"):
        jobs("watch", "--once", "--fresh", "--alert", "JobsNoWorkers")
    with pytest.raises(SystemExit, match="1"):
        jobs("watch", "--once", "--fresh", "--alert", "JobsRelayDown")
    with pytest.raises(CommandError, match="There is no alert JobsRelayUp"):
        jobs("watch", "--once", "--alert", "JobsRelayUp")


def test_the_metrics_of_now(jobs, capsys):
    told = jobs("metrics")
    assert ["jobs_queue_depth", {"queue": "default", "state": "ready"}, 0.0] in told["samples"]
    capsys.readouterr()
    call_command("jobs", "metrics", "--all")
    assert "jobs_queue_depth" in capsys.readouterr().out


def test_the_metrics_of_now_tell_totals_and_are_written_for_people(jobs, capsys):
    sums = Sums()
    sums.observe_all("jobs_task_seconds", (0.5, 1.5), "tests.app.Mark", "succeeded")
    sums.count("jobs_enqueued_total", "default", times=12_345)
    with own_connection() as own:
        measuring.add(own, sums)
        pulses.beat(own, pulses.RELAY, "h")
        own.execute("UPDATE jobs_pulse SET seen_at = seen_at - interval '90 seconds'")
        registry.report(own, name="w@h", pid=1, queues=["default"], tasks={}, slots=1, busy=0, memory=123_456_789)
    told = jobs("metrics")
    assert ["jobs_task_seconds", {"task": "tests.app.Mark", "outcome": "succeeded"}, 2, 2.0] in told["totals"]
    capsys.readouterr()
    call_command("jobs", "metrics")
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    shown = {name: " ".join(rest.split()) for name, rest in lines}
    assert shown["jobs_task_seconds"] == "task=tests.app.Mark outcome=succeeded 2, on average 1 s"
    assert shown["jobs_enqueued_total"] == "queue=default 12,345"
    assert shown["jobs_worker_memory_bytes"] == "queue=default 123.5 MB"
    assert shown["jobs_relay_last_tick_timestamp_seconds"] in ("90 s ago", "91 s ago")


def test_a_wrong_setting_keeps_nobody_from_looking_and_stops_what_would_stay(settings):
    settings.JOBS_QUEUES = settings.JOBS_QUEUES | {"narrow": {"bound": -1}}
    call_command("jobs", "status", skip_checks=False)
    with pytest.raises(SystemExit, match="0"):
        call_command("jobs", "watch", "--once", "--alert", "JobsNoWorkers", skip_checks=False)
    for stays in (("exporter", "--port", "0"), ("watch",), ("relay",)):
        with pytest.raises(SystemCheckError, match=r"jobs\.E031"):
            call_command("jobs", *stays, skip_checks=False)
