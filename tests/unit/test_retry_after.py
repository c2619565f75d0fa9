"""The Retry-After header in the forms that vendors really send, and in those that they should not."""

import logging
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs import conf
from jobs.retry_after import http_date, parse, parse_milliseconds

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
        ("Sat, 01 May 2027 08:01:00 EDT", 60),
        ("Saturday, 01-May-27 12:01:00 GMT", 60),  # RFC 850's form, obsolete and to be read all the same
        ("Sat May  1 12:01:00 2027", 60),  # C's asctime, without a zone: GMT
        ("3, 7", 7),
        ("Sat, 01 May 2027 12:01:00 GMT, 5", 60),
        ("5, Saturday, 01-May-27 12:01:00 GMT", 60),
        ("soon, 5", 5),
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
        "-0.5",
        "-inf",
        "-99999999999999999999",
        "Sat, 01 May 2027 12:00:00 GMT",  # now
        ", ,",
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


@pytest.mark.parametrize(("value", "seconds"), [("1500", 1.5), ("0.5", 0.0005), ("0", None), ("-1", None), ("x", None)])
def test_milliseconds_are_read_where_a_vendor_counts_in_them(value, seconds):
    assert parse_milliseconds(value) == (None if seconds is None else timedelta(seconds=seconds))


DATE_LIKE = r"[A-Z][a-z]{2}, \d+ [A-Z][a-z]{2} \d+ \d+:\d+:\d+ [+-]?\w+"
NUMBER_LIKE = r"[+-]?(\d{1,400}(\.\d*)?([eE][+-]?\d{1,4})?|inf|nan)"
ANYTHING = st.one_of(
    st.none(), st.text(), st.from_regex(DATE_LIKE, fullmatch=True), st.from_regex(NUMBER_LIKE, fullmatch=True)
)


@given(st.one_of(ANYTHING, st.lists(ANYTHING.map(str)).map(", ".join)))
@example("-inf")
@example("1e999")
def test_no_header_whatever_it_holds_raises(value):
    for wait in (parse(value, now=NOW), parse_milliseconds(value)):
        assert wait is None or timedelta(0) < wait <= conf.max_pause()


FORMS = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y")
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2068, 12, 31))  # noqa: DTZ001 - a zone follows
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(MOMENTS.map(lambda m: m.replace(microsecond=0, tzinfo=UTC)), st.sampled_from(FORMS), OFFSETS)
def test_a_date_means_the_same_moment_in_every_form_and_zone(moment, form, zone):
    assert http_date(moment.strftime(form)) == moment
    assert http_date(format_datetime(moment.astimezone(zone))) == moment


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=5), st.data())
def test_of_several_values_in_any_form_the_longest_wait_counts(waits, data):
    def written(seconds):
        form = data.draw(st.sampled_from(["seconds", *FORMS]))
        return str(seconds) if form == "seconds" else (NOW + timedelta(seconds=seconds)).strftime(form)

    assert parse(", ".join(map(written, waits)), now=NOW) == timedelta(seconds=max(waits))
