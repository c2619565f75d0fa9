"""The suite again on RabbitMQ: quorum queues and publisher confirms instead of Redis' lists."""

import sys

import pytest

from tests.again import run_again
from tests.servers.session import require

# What sends, receives or counts hints, or ends and starts those who do, and one flow from file to mail. Left out is
# what never speaks to a broker (most of `database`, `property`) or only as a bystander: leases, what a task does
# between its steps.
CHOSEN = (
    "concurrency/test_broker_away.py",
    "concurrency/test_hints.py",
    "concurrency/test_messages.py",
    "crash/test_broker.py",
    "crash/test_deaths.py::test_the_job_of_a_killed_process_runs_again_at_once",
    "crash/test_rate_limit.py",
    "crash/test_shutdown.py",
    "billing_sync/flow/test_invoices_in_synced_and_mailed.py::test_every_invoice_of_a_file_is_synced_once_and_mailed_once",
    "database/test_cli.py::test_one_tick_of_the_relay",
    "database/test_events.py",
    "database/test_preflight.py",
    "schedules/test_many_beats.py::test_every_tick_fires_once_though_beats_are_killed_and_the_broker_is_away",
    "servers/test_worker.py",
)


@pytest.mark.timeout(3600)
def test_the_suite_holds_on_rabbitmq() -> None:
    require("rabbitmq-server")
    files = [f"tests/{name}" for name in CHOSEN]
    command = [sys.executable, "-m", "pytest", *files, "-p", "no:cacheprovider", "-o", "addopts=-ra --durations=10"]
    run_again(command, says="the broker is rabbitmq", JOBS_TEST_BROKER="rabbitmq")
