"""What the harness makes of its measurements."""

import pytest

from tests.benchmarks import observed
from tests.benchmarks.rounds import Drained
from tests.benchmarks.works import draining


def turn(**cpu_us: float) -> Drained:
    return Drained(jobs=10, bodies=10, seconds=1.0, rate=10.0, cpu_us=cpu_us, enqueued={})


def test_the_ratio_of_cpu_is_of_what_all_programs_took_of_the_peers_to_ours_in_their_median_turns():
    ours = [turn(workers=30, postgres=10), turn(workers=20, postgres=10), turn(workers=90, postgres=20)]
    theirs = [turn(workers=300, broker=100), turn(workers=200, broker=80), turn(workers=900, broker=100)]
    assert draining._ratio_of_cpu(ours, theirs) == 10.0
    assert draining._ratio_of_cpu(theirs, ours) == 0.1


def test_there_is_no_ratio_of_cpu_where_the_clock_did_not_move():
    assert draining._ratio_of_cpu([turn(workers=0, postgres=0)], [turn(workers=5)]) is None


def test_what_observing_costs_is_of_on_to_off_in_rounds_that_follow_each_other():
    off = [observed.Drained(1000, 60, {"worker": 40}), observed.Drained(500, 50, {"worker": 30})]
    on = [observed.Drained(800, 80, {"worker": 50}), observed.Drained(450, 100, {"worker": 70})]
    found = observed._summary({False: off, True: on})
    assert (found["lowest_ratio"], found["ratio"], found["highest_ratio"]) == pytest.approx((0.8, 0.85, 0.9))
    assert found["ratio_by_cpu"] == pytest.approx((60 / 80 + 50 / 100) / 2)
    assert (found["worker_us_off"], found["worker_us_on"]) == (35, 60)
