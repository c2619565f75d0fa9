"""The harness itself, with tiny numbers. What the machine can do is for people to measure, not for tests to demand."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.processes import ROOT

COMMAND = (sys.executable, "-m", "tests.benchmarks", "--rounds", "1", "--jobs", "400", "--json")


@pytest.fixture(scope="module")
def found() -> dict[str, Any]:
    # A program of its own: it configures Django and starts servers, which this process has done already.
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL")}
    done = subprocess.run(COMMAND, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-8000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(180)
def test_every_job_of_both_contenders_is_accounted_for(found: dict[str, Any]) -> None:
    (played,) = found["rounds"]
    for name, jobs in (("stock", 40), ("ours", 400)):
        assert (played[name]["jobs"], played[name]["bodies"], played[name]["unfinished"]) == (jobs, jobs, 0)
    assert found["all_accounted_for"]


def test_the_report_says_what_was_measured_and_on_what(found: dict[str, Any]) -> None:
    assert found["ratio_min"] <= found["ratio"] <= found["ratio_max"]
    assert found["ratio_min"] > 0
    assert found["events"] is True
    assert set(found["cpu_us_per_job"]["ours"]) == {"worker", "relay", "postgres", "broker", "total"}
    assert set(found["cpu_us_per_job"]["stock"]) == {"worker", "postgres", "broker", "total"}
    assert all(rate > 0 for side in found["enqueue"].values() for rate in side.values())
    assert {"cpus", "processor", "kernel"} <= set(found["machine"])
    assert {"python", "postgresql", "celery", "valkey"} <= set(found["versions"])
