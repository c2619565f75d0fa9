"""The verbs for whoever is on call."""

import json

import psycopg
import pytest
from django.core.management import CommandError, call_command

from tests.processes import wait_until

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
