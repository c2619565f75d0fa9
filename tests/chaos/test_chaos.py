"""Sixty faults on Redis' protocol and twenty on RabbitMQ that hit something in flight, and not one broken promise."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.chaos import pace
from tests.conftest import SERVERS
from tests.processes import Program, Programs
from tests.servers.session import require

SECONDS = 300  # for a run on a busy machine; it ends at half of that on an idle one
pytestmark = pytest.mark.timeout(SECONDS + 30)
Run = Callable[..., tuple[int, dict[str, Any], Program]]


@pytest.fixture
def chaos(request: pytest.FixtureRequest, tmp_path) -> Iterator[Run]:
    """`chaos("--faults", "9")`: the exit code, the report, and the program with its log."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    programs = Programs(tmp_path, lambda: environment, request.config.stash[SERVERS].janitor)

    def run(*options: str) -> tuple[int, dict[str, Any], Program]:
        evidence = tmp_path / "evidence"
        program = programs.spawn("chaos", sys.executable, "-m", "tests.chaos", "--evidence", str(evidence), *options)
        code = program.wait_for_end(SECONDS)
        report = evidence / "report.json"
        assert report.exists(), program.log()
        return code, json.loads(report.read_text()), program

    yield run
    programs.end()


def assert_kept(code: int, report: dict[str, Any], program: Program, faults: int) -> None:
    told = program.log()[-6000:]
    assert report["violations"] == {}, told
    assert (code, report["verdict"]) == (0, "passed"), told
    assert (report["lost"], report["duplicate_effects"]) == (0, 0)
    assert report["landed_total"] == sum(report["landed"].values()) >= faults
    assert report["acknowledged"] > faults, told
    assert report["recovery_seconds"]["longest"] < pace.RECOVERY_LIMIT


def test_sixty_faults_that_landed_lose_nothing_and_double_nothing(chaos: Run) -> None:
    assert_kept(*chaos("--faults", "60", "--seed", "1", "--broker", "valkey"), faults=60)


def test_twenty_faults_that_landed_with_rabbitmq_lose_nothing_and_double_nothing(chaos: Run) -> None:
    require("rabbitmq-server")
    assert_kept(*chaos("--faults", "20", "--seed", "2", "--broker", "rabbitmq"), faults=20)


def test_a_system_whose_zombies_may_settle_does_not_pass(chaos: Run) -> None:
    options = ("--faults", "30", "--window", "2", "--kinds", "stop_worker,stop_child", "--break", "guard")
    code, report, program = chaos(*options)
    assert code == 1, program.log()[-6000:]
    assert {"illegal_records", "duplicate_effects"} & set(report["violations"])
