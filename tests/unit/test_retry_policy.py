"""When a failed job comes again: always within its bounds, never all at once, never in the past."""

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from jobs import RetryPolicy

SPANS = st.timedeltas(min_value=timedelta(microseconds=1), max_value=timedelta(days=3650))


@given(SPANS, SPANS, st.integers(min_value=1, max_value=10**9), st.sampled_from(["full", "none"]))
def test_a_wait_is_never_negative_and_never_above_the_cap(a, b, attempt, jitter):
    policy = RetryPolicy(base=min(a, b), cap=max(a, b), jitter=jitter)
    assert timedelta(0) <= policy.delay(attempt) <= policy.ceiling(attempt) <= policy.cap


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


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"base": timedelta(0)}, "base"),
        ({"base": timedelta(seconds=-1)}, "base"),
        ({"base": timedelta(hours=1), "cap": timedelta(minutes=1)}, "cap"),
        ({"jitter": "some"}, "jitter"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_by_name(wrong, named):
    with pytest.raises(ImproperlyConfigured, match=named):
        RetryPolicy(**wrong)
