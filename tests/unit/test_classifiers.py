"""Who says what an error means: the task first, then the settings' classifiers, then the built-in one."""

import logging
import re

import pytest
from django.test import override_settings

from jobs import (
    Classifier,
    IdempotentTask,
    Permanent,
    RateLimited,
    Refused,
    Transient,
    TransientError,
    Unknown,
    UnknownOutcomeError,
    Verdict,
    idempotent_task,
    taxonomy,
)
from jobs.taxonomy import BuiltIn, classify, proves_nothing_done
from tests.app.classifying import Judging, LedgerlyError, SdkErrors, SdkThrottledError
from tests.app.tasks import Echo, mark_each_time

HERE = "tests.app.classifying"
EVERY_ONE = [BuiltIn(), SdkErrors(), taxonomy.load(f"{HERE}.SdkErrors"), taxonomy.load(f"{HERE}.of_the_platform"),
             Judging.instance(), Echo.instance(), mark_each_time]  # fmt: skip


class BrokenError(Exception):
    @property
    def response(self):
        raise ZeroDivisionError


ERRORS = [ValueError("x"), KeyboardInterrupt(), TransientError(), UnknownOutcomeError(), LedgerlyError("busy"),
          SdkThrottledError(), BrokenError()]  # fmt: skip


@pytest.mark.parametrize("classifier", EVERY_ONE, ids=lambda c: type(c).__name__)
def test_every_classifier_keeps_to_the_protocol(classifier):
    assert isinstance(classifier, Classifier)
    for error in ERRORS:
        verdict = classifier.classify(error)
        assert verdict is None or isinstance(verdict, Verdict)
        assert classifier.classify(error) == verdict, "the same error has the same verdict"


def test_the_task_is_asked_first_then_the_settings_then_what_is_built_in():
    task = Judging.instance()
    with override_settings(JOBS_CLASSIFIERS=[f"{HERE}.SdkErrors", f"{HERE}.of_the_platform"]):
        assert classify(LedgerlyError("busy"), task) == Refused()  # the task's word against everybody's
        assert classify(LedgerlyError("busy")) == Permanent()  # the first of the settings'
        assert classify(SdkThrottledError(), task) == RateLimited(None)
        assert classify(MemoryError(), task) == Transient(by_vendor=True)  # the second of the settings'
        assert classify(TimeoutError(), task) == Transient(by_vendor=True)
        assert classify(KeyError("k"), task) == Transient()
    assert classify(LedgerlyError("busy")) == Transient()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (f"{HERE}.Raising", "Raising .*failed to classify"),
        (f"{HERE}.Talking", "Talking .*returned 'try again', which is no verdict"),
        (f"{HERE}.Needy", "Needy cannot be loaded"),
        (f"{HERE}.LedgerlyError", "LedgerlyError cannot be loaded"),
        ("tests.nowhere.Classifier", "tests.nowhere.Classifier cannot be loaded"),
        ("nowhere", "nowhere cannot be loaded"),
    ],
)
def test_a_classifier_that_fails_is_told_and_passed_over(path, words, caplog):
    with override_settings(JOBS_CLASSIFIERS=[path, f"{HERE}.SdkErrors"]), caplog.at_level(logging.ERROR):
        assert classify(LedgerlyError("busy")) == Permanent()
    assert re.search(words, caplog.text), caplog.text


def test_a_task_that_fails_to_classify_is_passed_over_too(caplog):
    class Wrong(IdempotentTask):
        dedupe_key = None

        def run(self): ...

        def classify(self, error):
            return error.code

    with caplog.at_level(logging.ERROR):
        assert classify(TimeoutError(), Wrong()) == Transient(by_vendor=True)
    assert "failed to classify TimeoutError" in caplog.text


def test_what_a_body_asked_for_itself_stands_and_its_cause_tells_whose_trouble_it_is():
    asked = type("Retry", (Exception,), {"__module__": "celery.exceptions", "exc": LedgerlyError("busy")})()
    assert classify(asked, Judging.instance()) == Transient()
    asked.exc = TimeoutError()
    assert classify(asked, Judging.instance()) == Transient(by_vendor=True)


def test_a_verdict_says_nothing_about_an_effect():
    with override_settings(JOBS_CLASSIFIERS=[f"{HERE}.SdkErrors"]):
        assert classify(LedgerlyError("busy")) == Permanent()
        assert not proves_nothing_done(LedgerlyError("busy"))


def test_an_unknown_outcome_stays_one_unless_somebody_says_otherwise():
    assert classify(UnknownOutcomeError("who knows"), Echo.instance()) == Unknown()


def test_a_decorated_function_names_its_classifier_like_any_attribute():
    @idempotent_task(dedupe_key=None, classify=SdkErrors().classify)
    def calls_the_vendor(): ...

    assert classify(LedgerlyError("busy"), calls_the_vendor) == Permanent()
    assert classify(TimeoutError(), calls_the_vendor) == Transient(by_vendor=True)
