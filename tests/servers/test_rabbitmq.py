"""The suite again on RabbitMQ: quorum queues and publisher confirms instead of Redis' lists."""

import os
import subprocess
import sys

import pytest

from tests.processes import ROOT
from tests.servers.session import require

# What sends, receives or counts hints, or ends and starts those who do. Left out is what never speaks to a broker
# (most of `database`, `property`) or only as a bystander: a killed importer, what a task does between its steps.
CHOSEN = (
    "concurrency/test_broker_away.py",
    "concurrency/test_hints.py",
    "concurrency/test_messages.py",
    "crash/test_broker.py",
    "crash/test_deaths.py",
    "crash/test_rate_limit.py",
    "crash/test_shutdown.py",
    "database/test_cli.py",
    "database/test_preflight.py",
    "servers/test_worker.py",
)


@pytest.mark.timeout(900)
def test_the_suite_holds_on_rabbitmq() -> None:
    require("rabbitmq-server")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    for ours in ("DATABASE_URL", "BROKER_URL", "JOBS_TEST_NOTES"):
        environment.pop(ours, None)
    files = [f"tests/{name}" for name in CHOSEN]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *files, "-p", "no:cacheprovider", "-o", "addopts=-ra"],
        cwd=ROOT,
        env=environment | {"JOBS_TEST_BROKER": "rabbitmq"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(done.stdout[-20_000:])
    assert "the broker is rabbitmq" in done.stdout
    assert done.returncode == 0
