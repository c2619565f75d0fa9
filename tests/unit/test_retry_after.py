"""The Retry-After header in the forms that vendors really send, and in those that they should not."""

import logging
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs import conf
from jobs.retry_after import parse

NOW = datetime(2027, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("0.5", 0.5),
        ("1e1", 10),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Sat, 01 May 2027 12:01:00 -0000", 60),
        ("Sat, 01 May 2027 14:01:00 +0200", 60),
    ],
)
def test_seconds_and_dates_are_read(value, seconds):
    assert parse(value, now=NOW) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "0",
        "-5",
        "-0",
        "nan",
        "soon",
        "12 seconds",
        format_datetime(NOW - timedelta(days=1), usegmt=True),
        "Fri, 31 Feb 2028 25:61:61 GMT",
        "Fri, 31 Dec 99999999999999999999 23:59:59 GMT",
        "Sat, 01 May 2027 12:00:00 +99999999999999",
    ],
)
def test_what_is_absent_past_or_garbage_asks_for_no_wait(value):
    assert parse(value, now=NOW) is None


@pytest.mark.parametrize("value", ["1e999", "inf", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_wait_is_cut_to_the_longest_pause_with_a_warning(value, caplog):
    with caplog.at_level(logging.WARNING):
        assert parse(value, now=NOW) == conf.max_pause()
    assert "JOBS_MAX_PAUSE" in caplog.text


DATE_LIKE = r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w+"


@given(st.one_of(st.text(), st.from_regex(DATE_LIKE, fullmatch=True)))
def test_no_header_whatever_it_holds_raises(value):
    wait = parse(value, now=NOW)
    assert wait is None or timedelta(0) < wait <= conf.max_pause()
