"""What a job at work must not show is stars in every log line of the process."""

import logging

import pytest

from jobs import masking
from jobs.masking import AtWork, Extras, masked

SECRET = "O'Brien <ob+1@example.com>"


@pytest.fixture
def lines(caplog):
    before = logging.getLogRecordFactory()
    masking.install()
    yield caplog
    logging.setLogRecordFactory(before)


def test_a_secret_is_covered_however_it_is_written():
    spelled = [
        SECRET,
        repr({"email": SECRET}),
        "O%27Brien%20%3Cob%2B1%40example.com%3E",
        "O&#x27;Brien &lt;ob+1@example.com&gt;",
    ]
    with AtWork("job", [SECRET]):
        assert not [text for text in map(masked, spelled) if "Brien" in text or "example" in text]


def test_messages_arguments_and_exceptions_are_covered_while_the_job_is_at_work(lines):
    with AtWork("job", [SECRET, 4711]):
        try:
            int(SECRET)
        except ValueError:
            logging.getLogger("celery.app.trace").exception("failed for %s, number %d", SECRET, 4711)
    logging.getLogger("somebody").warning("afterwards %s", "as before")
    assert "Brien" not in lines.text
    assert "4711" not in lines.text
    assert "ValueError: invalid literal for int() with base 10: " in lines.text
    assert "afterwards as before" in lines.text


def test_what_callers_put_beside_a_message_is_covered_by_the_handlers(lines):
    lines.handler.addFilter(Extras())
    with AtWork("job", [SECRET]):
        logging.getLogger("celery.app.trace").warning("x", extra={"data": {"kwargs": [SECRET], "n": 1}})
    assert lines.records[0].data == {"kwargs": ["********"], "n": 1}


def test_a_line_whose_arguments_do_not_fit_is_covered_too(lines):
    with AtWork("job", [SECRET]):
        record = logging.getLogRecordFactory()("a", logging.INFO, "f", 1, "%d", (SECRET,), None)
    assert "Brien" not in record.getMessage()
