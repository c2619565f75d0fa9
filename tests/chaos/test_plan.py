"""The same seed means the same faults, whichever of them are left out."""

import os
import subprocess
import sys
import time
from itertools import islice

import pytest

from idempotency.statements import statement
from tests.chaos.nemesis import FAULTS
from tests.chaos.nemesis.clock import OFFSETS, PACKAGE, skewed
from tests.chaos.plan import ALL, CALLERS, KINDS, W1, check_kinds, plan
from tests.chaos.shrink import smallest
from tests.chaos.teeth import BREAKS
from tests.chaos.war import Orders
from tests.servers.session import require


def first(count, *arguments):
    return list(islice(plan(*arguments), count))


def test_a_seed_always_plans_the_same_and_another_one_something_else():
    assert first(50, 7, W1) == first(50, 7, W1)
    assert first(50, 7, W1) != first(50, 8, W1)
    assert first(1, 7, W1)[0].luck().random() == first(1, 7, W1)[0].luck().random()


def test_faults_keep_their_places_when_others_are_left_out_and_when_a_run_goes_on():
    everything = first(60, 7, W1)
    assert first(3, 7, W1, ["stop_child"]) == [p for p in everything if p.kind == "stop_child"][:3]
    assert first(20, 7, W1, ALL, 40) == everything[40:]


def test_a_lane_without_any_of_the_kinds_has_no_faults():
    assert first(1, 7, CALLERS, ["stop_child"]) == []


def test_every_planned_kind_can_be_inflicted_and_nothing_else_is_known():
    assert set(ALL) == set(FAULTS) == {kind for kinds in KINDS.values() for kind in kinds}
    with pytest.raises(ValueError, match=r"unknown kinds of faults: earthquake\. Known are broker_flush"):
        check_kinds(["earthquake"])


def test_single_faults_can_be_picked_and_a_plan_can_be_cut_short():
    picked = Orders(7, ALL, only=["w1:3", "w1:5"])
    assert [p.name for p in picked.faults("w1", 0)] == ["w1:3", "w1:5"]
    assert list(picked.faults("w2", 0)) == []
    assert [p.place for p in Orders(7, ALL, until=4).faults("w1", 0)] == [0, 1, 2, 3]


def test_a_failing_run_shrinks_to_the_faults_that_make_it_fail():
    tried = []

    def fails(faults):
        tried.append(faults)
        return {"w1:3", "relay:0"} <= set(faults)

    assert smallest([*(f"w1:{n}" for n in range(9)), "relay:0", "broker:2"], fails) == ["w1:3", "relay:0"]
    assert len(tried) < 30


@pytest.mark.parametrize(("mistake", "changed"), [("guard", ("succeed", "retry", "give_back")), ("reaper", ("reap",))])
def test_a_mistake_that_a_run_is_told_to_make_is_one(mistake, changed):
    """Each statement that it is about reads otherwise; else the judge would have nothing to find."""
    _why, change = BREAKS[mistake]
    for name in changed:
        assert change(statement(name)) != statement(name)


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_program_whose_clock_is_wrong_still_sleeps_as_long_as_it_wants(offset):
    library = require(PACKAGE)
    sleep = "t.sleep(0.2)"  # it is what the test is about
    code = f"import time as t; begun, now = t.monotonic(), t.time(); {sleep}; print(now, t.monotonic() - begun)"
    environment = os.environ | skewed(library, offset)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    wrong, slept = map(float, done.stdout.split())
    assert abs(wrong - time.time()) > 3500
    assert 0.2 <= slept < 600
