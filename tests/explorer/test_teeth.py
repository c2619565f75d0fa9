"""Each rule, taken out, is missed: a proof that the exploration would notice."""

import subprocess
import sys

import pytest

from tests.explorer.configurations import build
from tests.explorer.engine import explore
from tests.explorer.mutants import MUTANTS


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=str)
def test_the_exploration_misses_the_rule_and_shows_how_it_breaks(mutant):
    violation = explore(build(mutant.configuration, mutant.cut)).violation
    assert violation is not None, "nothing broke without the rule: an invariant is too weak"
    assert violation.invariant == mutant.invariant
    assert len(violation.trace) > 1
    assert all(violation.trace)


def test_the_command_prints_the_trace_of_a_removed_rule():
    command = [sys.executable, "-m", "tests.explorer", "--mutant", "a late success is taken on a dead letter"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "violated: only legal arrows" in printed
    assert "succeed by token" in printed


def test_the_command_refuses_a_rule_that_it_does_not_know():
    command = [sys.executable, "-m", "tests.explorer", "--mutant", "no such rule"]
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "--list shows them" in refused.stderr
