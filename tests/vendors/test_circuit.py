"""A vendor that fails again and again is left alone, and asked now and then whether it is well."""

import pytest

from idempotency.models import Record
from tests.app.bench import BreakBeforeCall, CallFragile
from tests.processes import wait_until
from tests.vendors.script import BROKEN, OK, Phase
from tests.vendors.work import give, monotonic, row, speeds_up, start_fleet, wait_for_end, wait_for_pause

pytestmark = pytest.mark.usefixtures("transactional_db")

CHILDREN = 4
THRESHOLD, PAUSES = 5, (2, 4, 5)  # seconds, as the settings of the tests have it; the last is the longest
JUST_BEFORE = 0.05  # seconds


def test_a_failing_vendor_is_probed_by_one_call_at_a_time_ever_more_rarely_until_it_answers(programs, vendor):
    start_fleet(programs, ["fragile"], workers=2, concurrency=2)
    since = vendor.answers(Phase(BROKEN))
    give(CallFragile, vendor, range(40))
    began = monotonic(wait_for_pause("fragile", "circuit").episode_at)
    probed_from = began + PAUSES[0] - JUST_BEFORE
    vendor.wait_for(lambda calls: len(calls.between(probed_from).answered(500)) >= 2, what="two probes have failed")
    vendor.answers(Phase(OK))
    wait_for_end(CallFragile)

    calls = vendor.calls()
    first = calls.between(since, probed_from)
    assert {call.status for call in first} == {500}
    assert THRESHOLD <= len(first) < THRESHOLD + CHILDREN, "what was not on the wire called a vendor that is down"
    failed = calls.between(probed_from).answered(500)
    probe, *others = calls.between(failed[-1].until)
    probes = [*failed, probe]
    assert [call.status for call in calls.between(probed_from)] == [500] * len(failed) + [200] * (1 + len(others))
    for wait, before, after in zip([*PAUSES[1:], *[PAUSES[-1]] * len(failed)], probes, probes[1:], strict=False):
        assert after.at - before.until >= wait - JUST_BEFORE
    assert len(calls.between(probe.until, others[0].at + 1)) <= 12, "a herd followed the probe"
    assert speeds_up(others), "the calls do not grow"
    assert row("fragile").failures == 0


def test_a_bug_of_ours_is_not_the_vendors_failure(programs, vendor):
    start_fleet(programs, ["fragile"], workers=1, concurrency=2)
    BreakBeforeCall.enqueue_many({"number": n} for n in range(2 * THRESHOLD))
    given_up = Record.objects.filter(task=BreakBeforeCall.name, state="dead_lettered")
    wait_until(lambda: given_up.count() == 2 * THRESHOLD, 20)
    assert (row("fragile").failures, row("fragile").paused_at) == (0, None)
    give(CallFragile, vendor, range(20))
    wait_for_end(CallFragile)
