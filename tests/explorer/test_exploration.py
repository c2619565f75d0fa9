"""Every state of every configuration: no invariant is broken, and nothing is stuck."""

import pytest

from tests.explorer.configurations import CONFIGURATIONS, build
from tests.explorer.engine import explore

# A configuration that silently explored less would prove less; these are floors, not exact counts.
AT_LEAST = {
    "life": 60_000,
    "attempts": 1_000,
    "batch": 15_000,
    "person": 100_000,
    "review": 50_000,
    "fence": 5_000,
    "vendor": 10_000,
    "enqueue": 30_000,
    "relay": 20_000,
    "parent": 3_000,
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_no_state_of_the_machine_breaks_a_promise(name):
    explored = explore(build(name))
    assert explored.violation is None, "\n".join(explored.violation.trace)
    assert explored.states >= AT_LEAST[name]
    assert explored.faults > explored.states / 2, "it went well too often to prove anything"
