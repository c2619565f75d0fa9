"""A person pauses a vendor's queue and lets it go again: the vendor sees it, and others see who and why."""

import json
import time
from getpass import getuser

import pytest
from django.core.management import call_command

from tests.app.bench import CallOpen
from tests.processes import wait_until
from tests.vendors.script import Answer, Phase, busy
from tests.vendors.work import give, monotonic, row, start_fleet, succeeded, wait_for_end, wait_for_pause

pytestmark = pytest.mark.usefixtures("transactional_db")

CHILDREN = 2
JOBS = 100
SHORT, LONG = Answer(delay=0.02), Answer(delay=0.2)  # with the long ones there is work for ten seconds


@pytest.fixture
def at_work(programs, vendor):
    """A vendor that is being called, by two children."""
    vendor.answers(Phase(LONG))
    start_fleet(programs, ["open"], workers=1, concurrency=CHILDREN)
    give(CallOpen, vendor, range(JOBS))
    vendor.wait_for(lambda calls: len(calls) >= 10, what="work is under way")
    return vendor


def jobs(capsys, *arguments: str) -> dict:
    capsys.readouterr()
    call_command("jobs", *arguments, "--json")
    return json.loads(capsys.readouterr().out)


def test_a_person_pauses_a_vendor_until_a_time(at_work, capsys):
    jobs(capsys, "pause", "open", "--reason", "they migrate their database", "--seconds", "3")
    found = row("open")
    at_work.answers(Phase(SHORT))
    paused, until = monotonic(found.paused_at), monotonic(found.paused_until) - 0.05
    assert (found.pause_kind, found.pause_reason, found.paused_by) == (
        "operator",
        "they migrate their database",
        getuser(),
    )
    assert 2 < (found.paused_until - found.paused_at).total_seconds() <= 3.01
    assert 0 < succeeded(CallOpen) < JOBS
    wait_for_end(CallOpen)
    calls = at_work.calls()
    assert len(calls.between(paused, until)) <= CHILDREN, "only what was on the wire came after the pause"
    assert len(calls.between(until)) >= 10


def test_a_person_pauses_a_vendor_until_somebody_resumes_it(at_work, capsys):
    jobs(capsys, "pause", "open", "--reason", "look at invoice 7 first")
    paused = time.monotonic()
    assert row("open").paused_until is None
    wait_until(lambda: time.monotonic() > paused + 2)
    calls = at_work.calls()
    assert len(calls.between(paused)) <= CHILDREN
    assert len(calls) < JOBS

    at_work.answers(Phase(SHORT))
    resumed = time.monotonic()
    jobs(capsys, "resume", "open", "--reason", "invoice 7 was right")
    assert (row("open").resumed_by, row("open").resume_reason) == (getuser(), "invoice 7 was right")
    wait_for_end(CallOpen)
    again = at_work.calls().between(resumed)
    assert again[0].at - resumed < 10, "nobody noticed that the pause had ended"
    assert len(at_work.calls()) == JOBS


def test_who_resumes_early_lets_those_go_too_that_the_vendor_had_told_to_wait(at_work, capsys):
    at_work.answers(busy(600), Phase(SHORT))
    wait_for_pause("open", "rate_limit")
    at_work.wait_for(lambda calls: calls.answered(429), what="somebody was told to wait")
    at_work.wait_for(lambda calls: all(call.until for call in calls), what="nobody calls any more")
    jobs(capsys, "resume", "open", "--reason", "they say that all is well")
    wait_for_end(CallOpen)
    assert len(at_work.calls().answered(429)) == 1
