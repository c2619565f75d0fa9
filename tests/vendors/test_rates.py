"""Limits that hold at the vendor, however many processes call it, and are used up."""

import os
from statistics import median

import pytest

from tests.app.bench import CallByAccount, CallInBudget, CallLimited, CallOpen, CallSerial, LookAndCall
from tests.processes import wait_until
from tests.vendors.recording import Recording
from tests.vendors.script import BROKEN, OK, Answer, Phase
from tests.vendors.work import give, start_fleet, succeeded, wait_for_end

pytestmark = pytest.mark.usefixtures("transactional_db")

JOBS = int(os.environ.get("TESTS_RATE_JOBS", "5000"))  # 50,000 take four minutes
RATE, BURST = 200, 20  # as the settings of the tests have it
SHARE, FLOOR = 0.2, 2  # of retries: for each first attempt, and a second


MANY = 400  # calls without a limit, by which this machine shows what it can do


def run(programs, vendor, task, jobs: int) -> tuple[Recording, float]:
    """Let four worker processes drain a backlog that stands there already.

    Returns what the vendor saw, and how many calls a second of a vendor without a limit the same processes make.
    """
    give(task, vendor, range(jobs))
    start_fleet(programs, ["limited", "open"], workers=2, concurrency=2)
    wait_for_end(task, timeout=60 + 2 * jobs / RATE)
    limited = vendor.calls()
    give(CallOpen, vendor, range(MANY))
    wait_for_end(CallOpen)
    unlimited = vendor.calls().between(limited[-1].until)
    return limited, len(unlimited) / unlimited.span


@pytest.mark.timeout(600 + 8 * JOBS / RATE)
@pytest.mark.parametrize(("task", "jobs", "calls_each"), [(CallLimited, JOBS, 1), (LookAndCall, JOBS // 8, 2)])
def test_no_second_sees_more_calls_than_the_vendor_allows_and_hardly_one_sees_fewer(
    programs, vendor, task, jobs, calls_each
):
    calls, possible = run(programs, vendor, task, jobs)
    assert len(calls) == jobs * calls_each
    assert calls.most_within(1.0) <= RATE + BURST
    # A machine that can hardly make so many calls, or hangs for a second, is no reason to call the limit wasted.
    seconds = calls.per_window()[:-1]
    assert median(seconds) >= 0.9 * min(RATE, possible / 2), (seconds, possible)


def test_an_account_has_one_call_at_a_time_and_the_others_do_not_wait_for_it(programs, vendor):
    vendor.answers(Phase(Answer(delay=0.04)))
    give(CallSerial, vendor, range(100), "big")
    give(CallSerial, vendor, range(100, 130), lambda number: f"small {number % 6}")
    start_fleet(programs, ["serial"], workers=2, concurrency=2)
    wait_for_end(CallSerial)
    calls = vendor.calls()
    assert len(calls) == 130
    assert {calls.of(account).most_at_once() for account in calls.per_account()} == {1}
    assert calls.most_at_once() > 1, "accounts waited for each other"
    big, small = calls.of("big"), [call for call in calls if call.account != "big"]
    assert small[-1].at < big[80].at, "small accounts waited for the big one"


def test_an_accounts_limit_holds_it_back_and_nobody_else(programs, vendor):
    give(CallByAccount, vendor, range(60), "big")
    give(CallByAccount, vendor, range(60, 80), lambda number: f"small {number}")
    start_fleet(programs, ["by-account"], workers=2, concurrency=2)
    wait_for_end(CallByAccount)
    calls = vendor.calls()
    big, small = calls.of("big"), [call for call in calls if call.account != "big"]
    assert big.most_within(1.0) <= 10 + 2
    assert big.span >= 5, "sixty calls at ten a second"
    assert small[-1].at < big[50].at, "small accounts waited for the big one"


def test_retries_are_a_share_of_first_attempts_while_the_vendor_fails(programs, vendor):
    vendor.answers(Phase(OK, BROKEN))
    give(CallInBudget, vendor, range(800))
    start_fleet(programs, ["budget"], workers=2, concurrency=2)
    first = wait_until(lambda: [c for c in vendor.calls() if c.attempt == 1][800 - 1 :], 40, "each job has called once")
    calls = vendor.calls().between(0, first[0].at)
    retries = sum(call.attempt > 1 for call in calls)
    assert succeeded(CallInBudget) < 800
    assert 0 < retries <= SHARE * (len(calls) - retries) + 10 + FLOOR * calls.span  # ten of them at once
