"""What `manage.py check` says of classifiers and retry policies, each with its remedy."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from jobs import IdempotentTask, RetryPolicy, checks
from tests.app.tasks import Echo

MINUTE = timedelta(minutes=1)


def told(messages):
    return [(message.id, message.msg, message.hint) for message in messages]


def task(**attributes):
    return SimpleNamespace(**{"name": "app.Task", "retry_policy": RetryPolicy(), "classify": print} | attributes)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("tests.app.classifying.Nobody", "does not define"),
        ("tests.app.classifying.Needy", "missing 1 required positional argument"),
        ("tests.app.classifying.LedgerlyError", "no method classify"),
        ("tests.nowhere.Classifier", "No module named"),
        ("classify", "doesn't look like a module path"),
    ],
)
def test_a_classifier_that_cannot_be_used_is_told_by_its_path(settings, path, words):
    settings.JOBS_CLASSIFIERS = ["tests.app.classifying.SdkErrors", path]
    ((id_, message, hint),) = told(checks._classifiers())
    assert (id_, repr(path) in message, words in message) == ("jobs.E040", True, True), message
    assert "classify(error)" in hint


def test_one_path_instead_of_a_list_is_understood(settings):
    settings.JOBS_CLASSIFIERS = "tests.app.classifying.SdkErrors"
    assert told(checks._classifiers()) == []


@pytest.mark.parametrize(
    ("wrong", "id_", "words"),
    [
        ({"retry_policy": {"max_retries": 3}}, "jobs.E041", "retry_policy is {'max_retries': 3}"),
        ({"classify": "transient"}, "jobs.E042", "classify is 'transient'"),
        (
            {"retry_policy": RetryPolicy(base=MINUTE, jitter="none", max_attempts=5, deadline=4 * MINUTE)},
            "jobs.W043",
            "(0:04:00) leaves room for 3 of 5 attempts",
        ),
        (
            {"retry_policy": RetryPolicy(base=MINUTE, jitter="decorrelated", max_attempts=5, deadline=MINUTE / 2)},
            "jobs.W043",
            "leaves room for 1 of 5 attempts",
        ),
    ],
)
def test_a_task_whose_retries_make_no_sense_is_told_with_its_remedy(wrong, id_, words):
    ((found, message, hint),) = told(checks._policies([task(**wrong)]))
    assert (found, message.startswith("app.Task: "), words in message, bool(hint)) == (id_, True, True, True), message


@pytest.mark.parametrize(
    "policy",
    [
        RetryPolicy(),
        RetryPolicy(deadline=timedelta(seconds=1)),  # with full jitter every wait may be none
        RetryPolicy(base=MINUTE, jitter="none", max_attempts=3, deadline=3 * MINUTE),
    ],
)
def test_a_policy_with_room_for_its_attempts_is_not_spoken_of(policy):
    assert told(checks._policies([task(retry_policy=policy), IdempotentTask, Echo])) == []


def test_these_checks_are_among_those_that_run(settings):
    settings.JOBS_CLASSIFIERS = ["nowhere"]
    assert "jobs.E040" in {message.id for message in checks.check_jobs()}
