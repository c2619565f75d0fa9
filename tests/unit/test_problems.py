"""An error as it is kept: whatever the error object does, the job ends and nothing secret is stored."""

from datetime import UTC, datetime

import pytest

from jobs.problems import MAX_MESSAGE, MAX_TRACEBACK, describe

NOW = datetime(2027, 5, 1, tzinfo=UTC)


def described(error, secrets=()):
    with pytest.raises(type(error)) as raised:
        raise error
    return describe(raised.value, NOW, secrets)


def test_an_error_is_told_by_class_message_and_traceback():
    problem = described(ValueError("no such invoice"))
    assert problem.summary == "ValueError: no such invoice"
    assert "test_problems.py" in problem.traceback
    assert problem.started_at == NOW


def test_an_error_without_words_is_told_by_its_class():
    assert described(TimeoutError()).summary == "TimeoutError"


def test_an_error_that_fails_when_printed_is_kept_nevertheless():
    class Broken(Exception):  # noqa: N818 - a name for what it is
        def __str__(self):
            raise ZeroDivisionError

    assert described(Broken()).message == "(its text cannot be had: ZeroDivisionError)"


def test_what_postgresql_cannot_store_is_escaped():
    problem = described(ValueError("a\x00b\ud800c"))
    assert problem.message == "a\\x00b\\ud800c"
    assert "\x00" not in problem.traceback
    problem.traceback.encode()


def test_a_message_of_fifty_megabytes_is_cut():
    problem = described(ValueError("x" * 50_000_000))
    assert len(problem.message) <= MAX_MESSAGE
    assert len(problem.traceback) <= MAX_TRACEBACK


def test_the_end_of_a_long_traceback_is_kept_because_that_is_where_it_happened():
    def deep(levels):
        if not levels:
            raise ValueError("the bottom")
        deep(levels - 1)

    with pytest.raises(ValueError, match="the bottom") as raised:
        deep(400)
    problem = describe(raised.value, NOW)
    assert problem.traceback.rstrip().endswith("the bottom")


def test_sensitive_values_become_stars_in_message_and_traceback():
    problem = described(ValueError("cannot mail ann@example.com"), ["ann@example.com", None, ""])
    assert problem.message == "cannot mail ********"
    assert "ann@example.com" not in problem.traceback


def test_sensitive_values_inside_lists_and_dicts_become_stars_too():
    secrets = [{"to": ["ann@example.com"], "pin": 4711, "copy": True}]
    assert described(ValueError("ann@example.com: 4711, True"), secrets).message == "********: ********, True"


def test_notes_belong_to_what_an_error_says():
    error = ValueError("refused")
    error.add_note("the vendor's answer: tax id missing")
    assert described(error).message == "refused\nthe vendor's answer: tax id missing"
