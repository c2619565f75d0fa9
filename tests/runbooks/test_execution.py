"""Runbooks, executed: the stack is broken, the alert fires, the page's commands run in order, its *Verify* holds.

`bin/test` executes a few; `python -m tests.runbooks --all` executes all.
"""

import json
import os
import time

import pytest

from tests.processes import wait_until
from tests.runbooks.pages import Page, pages
from tests.runbooks.scenarios import SCENARIOS
from tests.runbooks.stack import Stack

ALL = "TESTS_RUNBOOKS" in os.environ
CHOSEN = [page for page in pages() if ALL or SCENARIOS[page.name].fast]
LOOKING = ("First 60 seconds", "Diagnose")


@pytest.fixture
def stack(programs, broker, environment, tmp_path):
    stack = Stack(programs, broker, environment, tmp_path, in_process=not ALL)
    yield stack
    stack.close()


@pytest.mark.parametrize("page", CHOSEN, ids=lambda page: page.name)
def test_a_runbook_mends_what_it_is_for(page: Page, stack: Stack):
    scenario, began = SCENARIOS[page.name], time.monotonic()
    scenario.break_it(stack)
    if scenario.condition:
        wait_until(lambda: scenario.condition(stack), 30, "the trouble is there")
    else:
        stack.wait_for(page.alerts[0])
    fired = time.monotonic()
    steps = page.steps()
    for _, command in [s for s in steps if s[0] in LOOKING]:
        done = stack.run(command)
        assert done.returncode in (0, 1, 7, 22), f"{command}\n{done.stdout}{done.stderr}"  # 7, 22: curl's
        assert "Traceback" not in done.stderr, done.stderr
    scenario.mend(stack)
    for _, command in [s for s in steps if s[0] not in (*LOOKING, "Verify")]:
        done = stack.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    scenario.wait(stack)
    for _, command in [s for s in steps if s[0] == "Verify"]:
        wait_until(lambda command=command: stack.run(command).returncode == 0, 30, command)
    told = {"page": page.name, "alerts": page.alerts, "commands": len(steps), "fires_after": round(fired - began, 1),
            "well_after": round(time.monotonic() - fired, 1)}  # fmt: skip
    if place := os.environ.get("TESTS_RUNBOOKS_REPORT"):
        with open(place, "a") as report:  # noqa: PTH123 - appended to by each
            report.write(json.dumps(told) + "\n")
