"""When each attempt starts if all before it fail: what `manage.py jobs plan-retries` tells and draws."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from billing_sync.tasks import SyncInvoice
from jobs import RetryPolicy
from jobs.cli import retry_svg, retry_text
from jobs.retry_plan import Scale, plan, shown
from tests.app.tasks import Echo

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
TASK = SyncInvoice.name
POLICIES = st.builds(
    RetryPolicy,
    base=st.timedeltas(timedelta(milliseconds=1), timedelta(minutes=1)),
    cap=st.timedeltas(timedelta(minutes=1), timedelta(days=2)),
    jitter=st.sampled_from(["full", "decorrelated", "none"]),
    deadline=st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=9)),
)


@pytest.fixture
def jobs(capsys):
    def run(*arguments):
        capsys.readouterr()
        call_command("jobs", "plan-retries", *arguments)
        return capsys.readouterr().out

    return run


@given(POLICIES, st.integers(1, 30))
def test_a_plan_is_within_its_bounds_and_its_attempts_follow_each_other(policy, attempts):
    planned = plan(policy, attempts=attempts, samples=20)
    assert [p.attempt for p in planned] == list(range(1, attempts + 1))
    for p in planned:
        for drawn in (p.wait, p.start):
            assert drawn.earliest <= drawn.median <= drawn.latest
    for before, after in pairwise(planned):
        assert after.start.earliest == before.start.earliest + after.wait.earliest
        assert after.start.latest == before.start.latest + after.wait.latest
        assert after.in_time <= before.in_time
        assert after.wait.latest <= policy.cap


def test_without_jitter_the_plan_is_the_arithmetic():
    planned = plan(RetryPolicy(base=SECOND, cap=3 * SECOND, jitter="none", deadline=4 * SECOND), attempts=5, samples=3)
    assert [p.start.median.total_seconds() for p in planned] == [0, 1, 3, 6, 9]
    assert [p.wait.latest.total_seconds() for p in planned] == [0, 1, 2, 3, 3]
    assert [p.in_time for p in planned] == [1, 1, 1, 0, 0]


def test_with_full_jitter_half_of_the_jobs_wait_less_than_half_of_the_longest_wait():
    planned = plan(RetryPolicy(), attempts=9, samples=2000)
    for p in planned[1:]:
        assert p.wait.median.total_seconds() == pytest.approx(p.wait.latest.total_seconds() / 2, rel=0.1)


def test_the_same_command_prints_the_same_plan(jobs):
    assert jobs(TASK) == jobs(TASK)


def test_a_task_without_overrides_has_one_table_and_one_chart(jobs):
    printed = jobs(TASK)
    assert f"{TASK}\n\nOn any error: 9 attempts, base 2 s, cap 15 m, full jitter\n" in printed
    assert "in time" not in printed
    table = [line.split("  ") for line in printed.splitlines() if line[:1].isdigit()]
    assert len(table) == 9
    assert table[-1][-1].strip() == "8 m 30 s", "2 + 4 + … + 256 s"
    bars = [line for line in printed.splitlines() if "●" in line]
    assert [bar.index("●") for bar in bars] == sorted(bar.index("●") for bar in bars)
    assert all("├" in bar and "┤" in bar for bar in bars[1:])
    assert max(map(len, printed.splitlines())) <= 120


def test_overrides_and_the_deadline_are_shown(jobs, monkeypatch):
    overrides = {TimeoutError: {"base": MINUTE, "max_attempts": 3}}
    monkeypatch.setattr(SyncInvoice, "retry_policy", RetryPolicy(overrides=overrides, deadline=5 * MINUTE))
    printed = jobs(TASK)
    assert "On any other error: 9 attempts, base 2 s, cap 15 m, full jitter, deadline 5 m" in printed
    assert "On TimeoutError: 3 attempts, base 1 m, cap 15 m, full jitter, deadline 5 m" in printed
    assert printed.count("┆ deadline 5 m") == 2
    assert printed.count("in time") == 2
    told = json.loads(jobs(TASK, "--json"))
    assert [policy["on"] for policy in told["policies"]] == ["On any other error", "On TimeoutError"]
    assert told["policies"][1] | {"max_attempts": 3, "base": 60.0, "deadline": 300.0} == told["policies"][1]
    assert told["policies"][1]["attempts"][2]["start"] == {"earliest": 0.0, "latest": 180.0} | {
        "median": pytest.approx(90, rel=0.2)
    }


def test_more_attempts_than_the_policy_makes_can_be_looked_at(jobs):
    (policy,) = json.loads(jobs(TASK, "--attempts", "12", "--samples", "10", "--json"))["policies"]
    assert len(policy["attempts"]) == 12


def test_the_picture_shows_each_attempt_of_each_policy_and_the_deadline(jobs, monkeypatch, tmp_path):
    policy = RetryPolicy(overrides={Echo.MaxRetriesExceededError: {"max_attempts": 2}}, deadline=5 * MINUTE)
    monkeypatch.setattr(SyncInvoice, "retry_policy", policy)
    file = tmp_path / "<plan> & more.svg"
    assert str(file) in jobs(TASK, "--svg", str(file))
    drawing = ET.parse(file).getroot()
    texts = ["".join(text.itertext()) for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert f"Retries of {TASK}" in texts
    assert texts.count("deadline 5 m") == 2
    assert len(list(drawing.iter("{http://www.w3.org/2000/svg}circle"))) == 9 + 2
    width = float(drawing.get("width"))
    for mark in (*drawing.iter("{http://www.w3.org/2000/svg}rect"), *drawing.iter("{http://www.w3.org/2000/svg}text")):
        left = float(mark.get("x", 0))
        assert 0 <= left <= left + float(mark.get("width", 0)) <= width


@given(POLICIES)
def test_any_policy_can_be_drawn(policy):
    planned = plan(policy, attempts=policy.max_attempts, samples=5)
    chart = retry_text.as_chart(policy, planned)
    assert chart.count("●") == 9
    assert max(map(len, chart.splitlines())) <= 100
    ET.fromstring(retry_svg.picture("<&>", [("<&>", policy, planned)]))


def test_a_terminal_without_lines_gets_ascii():
    planned = plan(replace(SyncInvoice.retry_policy, deadline=MINUTE), attempts=3, samples=5)
    chart = retry_text.as_chart(SyncInvoice.retry_policy, planned)
    retry_text.writable(chart, "ascii").encode("ascii")
    assert retry_text.writable(chart, "utf-8") == chart


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("billing_sync.SyncInvoise", "No task 'billing_sync.SyncInvoise'. Did you mean billing_sync.SyncInvoice"),
        ("SyncInvoice", "Did you mean billing_sync.SyncInvoice"),
        ("syncinvoices", "Did you mean billing_sync.SyncInvoice"),
        ("xyzzy", "There are billing_sync.ImportInvoices, .*billing_sync.SyncInvoice, "),
    ],
)
def test_an_unknown_task_is_answered_with_the_names_near_it(jobs, name, words):
    with pytest.raises(CommandError, match=words):
        jobs(name)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1001"])
def test_a_number_of_attempts_that_makes_no_sense_is_refused(jobs, number):
    with pytest.raises(CommandError, match="no whole number from 1 to 1,000"):
        jobs(TASK, f"--attempts={number}")


def test_a_file_that_cannot_be_written_is_told(jobs, tmp_path):
    with pytest.raises(CommandError, match="cannot be written: No such file"):
        jobs(TASK, "--svg", str(tmp_path / "nowhere" / "plan.svg"))


def test_a_policy_that_is_none_is_told(jobs, monkeypatch):
    monkeypatch.setattr(SyncInvoice, "retry_policy", {"max_retries": 3})
    with pytest.raises(CommandError, match=r"give a jobs\.RetryPolicy"):
        jobs(TASK)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "0"),
        (timedelta(milliseconds=250), "250 ms"),
        (4.5 * SECOND, "4.5 s"),
        (59.99 * SECOND, "1 m"),
        (60 * SECOND, "1 m"),
        (150 * SECOND, "2 m 30 s"),
        (59.6 * MINUTE, "59 m 36 s"),
        (3599.9 * SECOND, "1 h"),
        (timedelta(hours=1, minutes=5), "1 h 5 m"),
        (timedelta(days=3, hours=4), "3 d 4 h"),
    ],
)
def test_a_span_is_shown_in_its_two_largest_units(span, text):
    assert shown(span) == text


def test_round_moments_stand_apart_on_the_axis():
    along = Scale(2 * SECOND, timedelta(hours=6))
    marks = along.marks(0.1)
    assert marks[0] == timedelta(0)
    assert all(along.at(b) - along.at(a) >= 0.1 for a, b in pairwise(marks))
    assert along.at(along.end) == 1.0
