"""When a failed job comes again: always within its bounds, never all at once, never in the past."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from jobs import RetryPolicy

SPANS = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=3650))


def policy_between(a, b, jitter):
    return RetryPolicy(base=min(a, b), cap=max(a, b), jitter=jitter)


@given(SPANS, SPANS, st.integers(min_value=1, max_value=10**9), st.sampled_from(["full", "none"]))
def test_a_wait_is_never_negative_and_never_above_the_cap(a, b, attempt, jitter):
    policy = policy_between(a, b, jitter)
    assert timedelta(0) <= policy.floor(attempt) <= policy.delay(attempt) <= policy.ceiling(attempt) <= policy.cap


@given(SPANS, SPANS, st.integers(min_value=1, max_value=200), st.uuids())
def test_a_decorrelated_wait_is_never_below_the_base_and_never_above_the_cap(a, b, attempt, job):
    policy = policy_between(a, b, "decorrelated")
    assert policy.base == policy.floor(attempt) <= policy.delay(attempt, seed=job)
    assert policy.delay(attempt, seed=job) <= policy.ceiling(attempt) <= policy.cap


@given(st.uuids(), st.integers(1, 30))
def test_a_decorrelated_wait_is_at_most_three_times_the_one_before(job, attempt):
    policy = RetryPolicy(jitter="decorrelated", cap=timedelta(days=365))
    before = policy.delay(attempt - 1, seed=job) if attempt > 1 else policy.base
    assert policy.delay(attempt, seed=job) <= 3 * before + timedelta(microseconds=2)


def test_every_worker_draws_the_same_decorrelated_waits_for_a_job_and_others_for_another():
    policy = RetryPolicy(jitter="decorrelated")
    jobs = [UUID(int=n) for n in range(200)]
    assert len({policy.delay(1, seed=job) for job in jobs}) == 200, "fixed ids: among random ones two may well meet"
    assert [policy.delay(4, seed=str(job)) for job in jobs] == [policy.delay(4, seed=job) for job in jobs]
    assert len({policy.delay(4) for _ in range(5)}) > 1, "without a job there is nothing to draw the same for"


def test_the_longest_wait_doubles_from_the_base_to_the_cap():
    policy = RetryPolicy(base=timedelta(seconds=2), cap=timedelta(seconds=30))
    assert [policy.ceiling(n).total_seconds() for n in range(1, 7)] == [2, 4, 8, 16, 30, 30]


def test_full_jitter_draws_from_the_whole_span():
    policy = RetryPolicy(base=timedelta(seconds=8), cap=timedelta(seconds=8))
    drawn = sorted(policy.delay(1).total_seconds() for _ in range(500))
    assert drawn[0] < 1
    assert drawn[-1] > 7
    assert len(set(drawn)) > 400


def test_without_jitter_the_whole_wait_is_waited():
    policy = RetryPolicy(base=timedelta(seconds=3), jitter="none")
    assert policy.delay(1) == timedelta(seconds=3)


BUSY = RetryPolicy(
    max_attempts=9,
    deadline=timedelta(hours=1),
    overrides={
        OSError: {"base": timedelta(seconds=5)},
        ConnectionError: {"max_attempts": 3, "deadline": timedelta(hours=2)},
        LookupError: RetryPolicy(max_attempts=2, jitter="none"),
    },
)


@pytest.mark.parametrize(
    ("error", "base", "attempts", "jitter"),
    [
        (ValueError(), 2, 9, "full"),
        (OSError(), 5, 9, "full"),
        (TimeoutError(), 5, 9, "full"),
        (ConnectionResetError(), 2, 3, "full"),
        (KeyError(), 2, 2, "none"),
    ],
)
def test_the_override_of_the_most_specific_class_decides(error, base, attempts, jitter):
    policy = BUSY.on(error)
    assert (policy.base.total_seconds(), policy.max_attempts, policy.jitter) == (base, attempts, jitter)
    assert policy.deadline == timedelta(hours=1), "an override may not put off the deadline"


@pytest.mark.parametrize(
    ("attempt", "error", "minutes", "why"),
    [
        (1, ValueError(), 60, None),
        (1, ValueError(), 60.001, "after it was asked for, its deadline is 1:00:00"),
        (9, ValueError(), 1, None),  # the record's own cap, which is not asked here
        (2, ConnectionError(), 1, None),
        (3, ConnectionError(), 1, "its policy for this error ends with attempt 3"),
        (2, KeyError(), 1, "ends with attempt 2"),
    ],
)
def test_a_policy_says_why_no_attempt_follows(attempt, error, minutes, why):
    said = BUSY.why_not_again(attempt, error=error, waited=timedelta(minutes=minutes))
    assert said is why is None or why in said


def test_a_policy_with_overrides_can_be_changed_and_compared():
    assert replace(BUSY, base=timedelta(seconds=1)).on(ConnectionError()).max_attempts == 3
    assert hash(replace(BUSY)) == hash(BUSY)
    assert replace(BUSY) == BUSY


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"max_attempts": 0}, "max_attempts is 0; give a whole number from 1"),
        ({"max_attempts": 2.5}, "max_attempts"),
        ({"max_attempts": 2**31}, "max_attempts"),
        ({"base": timedelta(0)}, "base"),
        ({"base": timedelta(seconds=-1)}, "base"),
        ({"base": HOUR, "cap": timedelta(minutes=1)}, "base .* not above cap"),
        ({"base": 2}, r"base is 2; give a timedelta, for instance base=timedelta\(seconds=30\)"),
        ({"cap": None}, "cap is None"),
        ({"jitter": "some"}, "jitter is 'some'; choose one of 'full', 'decorrelated', 'none'"),
        ({"deadline": timedelta(0)}, "deadline is 0:00:00; give a span above 0, or None"),
        ({"deadline": 3600}, "deadline is 3600; give a timedelta"),
        ({"overrides": {"KeyError": {}}}, "overrides names 'KeyError'; give a class of errors"),
        ({"overrides": {KeyError: 3}}, r"overrides\[KeyError\] is 3; give a RetryPolicy or a dict"),
        ({"overrides": {KeyError: {"wait": HOUR, "bass": HOUR}}}, r"changes bass, wait; it may change base, cap"),
        ({"overrides": {KeyError: {"base": HOUR}}}, "not above cap"),
        ({"overrides": {KeyError: RetryPolicy(overrides={ValueError: {}})}}, "has overrides itself"),
        ({"max_attempts": 3, "overrides": {KeyError: {"max_attempts": 4}}}, "makes 4 attempts, the policy 3.*Lower"),
        ({"max_attempts": 3, "overrides": {KeyError: RetryPolicy()}}, "makes 9 attempts, the policy 3"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_name_with_the_remedy(wrong, named):
    with pytest.raises(ImproperlyConfigured, match=f"RetryPolicy: .*{named}"):
        RetryPolicy(**wrong)
