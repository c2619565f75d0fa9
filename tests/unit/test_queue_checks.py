"""What `manage.py check` says of a queue's options, each with its remedy."""

import pytest

from config.settings import JOBS_QUEUES as PROJECT
from jobs import checks, conf


@pytest.fixture
def told(settings):
    def check(**options):
        settings.JOBS_QUEUES = {"default": {}, "q": options}
        return [(message.id, message.msg, message.hint) for message in checks._bounds()]

    return check


@pytest.mark.parametrize(
    ("options", "id_", "words", "remedy"),
    [
        ({"bound": 0}, "jobs.E031", "is 0", "a whole number from 1"),
        ({"bound": -5}, "jobs.E031", "is -5", "a whole number from 1"),
        ({"bound": "100"}, "jobs.E031", "is '100'", "a whole number from 1"),
        ({"bound": 1e5}, "jobs.E031", "is 100000.0", "a whole number from 1"),
        ({"bound": True}, "jobs.E031", "is True", "a whole number from 1"),
        ({"bound": 5, "when_full": "wait"}, "jobs.E032", "is 'wait'", "'refuse'"),
        ({"when_full": "refuse"}, "jobs.W033", "no effect", "Give it a bound"),
        ({"criticality": "critical", "bound": 5}, "jobs.E030", "critical and has a bound", "Leave the bound out"),
        ({"criticality": "Critical"}, "jobs.E034", "is 'Critical'", "'critical', 'normal', 'bulk'"),
    ],
)
def test_a_queue_that_makes_no_sense_is_told_with_its_remedy(told, options, id_, words, remedy):
    ((found, message, hint),) = told(**options)
    assert (found, words in message, remedy in hint) == (id_, True, True), (message, hint)
    assert "'q'" in message


@pytest.mark.parametrize(
    "options", [{}, {"bound": None}, {"bound": 1, "when_full": "refuse"}, {"criticality": "critical"}]
)
def test_a_queue_that_makes_sense_is_not_spoken_of(told, options):
    assert told(**options) == []


def test_the_queues_of_the_reference_project_make_sense():
    assert list(checks._bounds()) == []
    assert [name for name in PROJECT if conf.bound(name) is None] == ["critical"]
