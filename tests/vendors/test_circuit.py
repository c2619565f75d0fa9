"""A vendor that fails again and again is left alone, and asked now and then whether it is well."""

from itertools import pairwise

import pytest

from idempotency.models import Record
from tests.app.bench import BreakBeforeCall, CallFragile
from tests.processes import wait_until
from tests.vendors.script import BROKEN, OK, Phase
from tests.vendors.work import give, row, start_fleet, wait_for_end, wait_for_pause

pytestmark = pytest.mark.usefixtures("transactional_db")

CHILDREN = 4
THRESHOLD = 5  # as the settings of the tests have it; the first pause is a second, the longest four
BROKEN_FOR = 5.0  # seconds: the first two probes fail, and the third does not


def test_a_failing_vendor_is_probed_by_one_call_at_a_time_ever_more_rarely_until_it_answers(programs, vendor):
    start_fleet(programs, ["fragile"], workers=2, concurrency=2)
    since = vendor.answers(Phase(BROKEN, seconds=BROKEN_FOR), Phase(OK))
    give(CallFragile, vendor, range(40))
    wait_for_pause("fragile", "circuit")
    wait_for_end(CallFragile)

    calls = vendor.calls()
    failed = calls.answered(500)
    first = [call for call in failed if call.at - failed[0].at < 0.9]
    assert THRESHOLD <= len(first) < THRESHOLD + CHILDREN, "what was not on the wire called a vendor that is down"
    probes = [first[-1], *calls.between(first[-1].until)[:3]]
    assert [probe.status for probe in probes[1:]] == [500, 500, 200]
    waits = [after.at - before.until for before, after in pairwise(probes)]
    assert waits[0] >= 0.9
    assert waits[1] >= 1.9
    assert waits[2] >= 3.9
    early, later, *_ = calls.between(probes[-1].until).per_window(1)
    assert early <= 12, "a herd followed the probe"
    assert early < later, "the calls do not grow"
    assert since < calls[0].at
    assert row("fragile").failures == 0


def test_a_bug_of_ours_is_not_the_vendors_failure(programs, vendor):
    start_fleet(programs, ["fragile"], workers=1, concurrency=2)
    BreakBeforeCall.enqueue_many({"number": n} for n in range(2 * THRESHOLD))
    given_up = Record.objects.filter(task=BreakBeforeCall.name, state="dead_lettered")
    wait_until(lambda: given_up.count() == 2 * THRESHOLD, 20)
    assert (row("fragile").failures, row("fragile").paused_at) == (0, None)
    give(CallFragile, vendor, range(20))
    wait_for_end(CallFragile, timeout=10)
