"""After a transient error: a retry, or a dead letter that says why there is none."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from celery.exceptions import Retry

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.models import Attempt
from jobs import Permanent, RateLimited, RetryPolicy, Transient
from jobs.context import Job
from jobs.own_connection import OwnConnection
from jobs.worker import limits
from jobs.worker.attempt import perform
from jobs.worker.settle import Settler
from tests.app.tasks import Task
from tests.records import by_hand, claim, enqueue, let_all_be_due, rows

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class VendorsOwnError(Exception):
    """What a client that nobody knows raises."""


class Failing(Task):
    """Raises what the test says."""

    dedupe_key = None
    error: ClassVar[BaseException]
    verdict: ClassVar[object] = None

    def run(self) -> None:
        raise self.error

    def classify(self, error):
        if isinstance(self.verdict, Exception):
            raise self.verdict
        return self.verdict if isinstance(error, VendorsOwnError) else None


class FailingOutside(Failing):
    """The same, around an effect that nobody can take back; there is somebody to ask."""

    dedupe_key = None
    external_effect = True

    def already_done(self) -> None: ...


@pytest.fixture
def fail(committing, monkeypatch):
    """`fail(error, policy, …)` performs one attempt that ends with it; returns the record's id."""
    own = OwnConnection("jobs test")

    def attempt(error, policy=None, *, task=Failing, verdict=None, age=timedelta(0), max_attempts=9, job=None):
        policy = policy or RetryPolicy(max_attempts=9, base=MINUTE, jitter="none")
        monkeypatch.setattr(Failing, "error", error, raising=False)
        monkeypatch.setattr(Failing, "verdict", verdict)
        monkeypatch.setattr(Failing, "retry_policy", policy)
        (id_,) = [job] if job else enqueue(committing, None, max_attempts=max_attempts)
        by_hand(committing, "UPDATE idempotency_record SET created_at = statement_timestamp() - %s", age)
        running = Job(claim(committing)[0], Settler(own, lambda: False))
        instance = task.instance()
        instance.push_request(job=running)
        try:
            with suppress(Exception):  # what Celery's tracer is told
                perform(instance, running, {})
        finally:
            instance.pop_request()
            limits.stop()  # as a child does after its batch: the kernel's timer would kill this very process
        return id_

    yield attempt
    own.close()


@pytest.fixture
def end(fail, committing):
    """The same; returns state, reason and error."""

    def attempt(*args, **kwargs):
        id_ = fail(*args, **kwargs)
        return rows(committing, "state", "reason", "error")[id_]

    return attempt


def due_in(committing, id_):
    return float(rows(committing, "extract(epoch FROM available_at - statement_timestamp())")[id_])


def test_a_transient_error_waits_as_its_policy_says(fail, committing):
    id_ = fail(ValueError("a bug"))
    assert rows(committing, "state", "reason")[id_] == ("queued", None)
    assert due_in(committing, id_) == pytest.approx(60, abs=30)


def test_an_override_changes_the_wait_of_its_class_alone(fail, committing):
    policy = RetryPolicy(base=MINUTE, jitter="none", overrides={OSError: {"base": 5 * MINUTE}})
    assert due_in(committing, fail(TimeoutError(), policy)) == pytest.approx(300, abs=30)
    by_hand(committing, "DELETE FROM idempotency_record")
    assert due_in(committing, fail(ValueError(), policy)) == pytest.approx(60, abs=30)


def test_an_override_holds_for_what_a_body_caught_and_asked_to_be_tried_again(fail, committing):
    policy = RetryPolicy(base=MINUTE, jitter="none", overrides={OSError: {"base": 5 * MINUTE}})
    assert due_in(committing, fail(Retry(exc=TimeoutError()), policy)) == pytest.approx(300, abs=30)


def test_an_override_with_fewer_attempts_gives_the_job_up_and_says_so(end):
    policy = RetryPolicy(max_attempts=9, base=MINUTE, jitter="none", overrides={TimeoutError: {"max_attempts": 1}})
    assert end(ValueError("a bug"), policy)[0] == "queued"
    state, reason, error = end(TimeoutError("no answer"), policy)
    assert (state, reason) == ("dead_lettered", "attempts_exhausted")
    assert error == "TimeoutError: given up, since its policy for this error ends with attempt 1: no answer"


def test_a_retry_that_would_start_after_the_deadline_is_given_up_at_once(end):
    policy = RetryPolicy(base=MINUTE, jitter="none", deadline=HOUR)
    assert end(ValueError("a bug"), policy, age=58 * MINUTE)[0] == "queued"
    state, reason, error = end(ValueError("a bug"), policy, age=59.5 * MINUTE)
    assert (state, reason) == ("dead_lettered", "attempts_exhausted")
    assert error.startswith("ValueError: given up, since the next attempt would start 1:00:")
    assert error.endswith("after it was asked for, its deadline is 1:00:00: a bug")
    assert Attempt.objects.filter(outcome="dead_letter").count() == 1


def test_the_deadline_is_held_against_the_wait_that_a_body_asks_for(end):
    policy = RetryPolicy(base=timedelta(seconds=1), deadline=HOUR)
    assert end(Retry(when=3000), policy)[0] == "queued"
    assert end(Retry(when=3700), policy)[0] == "dead_lettered"
    assert end(Retry(when=datetime.now(UTC) + DAY), policy)[0] == "dead_lettered"


def test_the_last_attempt_ends_as_ever_whatever_the_deadline(end):
    policy = RetryPolicy(max_attempts=1, base=MINUTE, deadline=HOUR)
    state, reason, error = end(ValueError("a bug"), policy, age=DAY, max_attempts=1)
    assert (state, reason, error) == ("dead_lettered", "attempts_exhausted", "ValueError: a bug")


def test_a_job_that_a_person_replayed_is_retried_however_late_it_is(fail, committing):
    policy = RetryPolicy(base=MINUTE, jitter="none", deadline=HOUR)
    id_ = fail(ValueError("a bug"), policy, age=DAY)
    token = rows(committing, "fencing_token")[id_]
    assert transitions.replay(committing, [Seen(id_, token)])
    let_all_be_due(committing)
    fail(ValueError("a bug"), policy, age=DAY, job=id_)
    assert rows(committing, "state", "replay_count")[id_] == ("queued", 1)


def test_a_deadline_does_not_hide_that_an_effect_may_have_happened(fail, committing):
    policy = RetryPolicy(base=MINUTE, jitter="none", deadline=timedelta(seconds=1))
    id_ = fail(TimeoutError("no answer"), policy, task=FailingOutside)
    assert rows(committing, "state", "reason", "intent_at IS NOT NULL")[id_] == (
        "dead_lettered",
        "unknown_outcome",
        True,
    )


def test_a_refused_call_leaves_no_doubt_behind_a_deadline(fail, committing):
    policy = RetryPolicy(base=MINUTE, jitter="none", deadline=timedelta(seconds=1))
    id_ = fail(ConnectionRefusedError(), policy, task=FailingOutside)
    assert rows(committing, "state", "reason")[id_] == ("dead_lettered", "attempts_exhausted")


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (None, "queued"),
        (Transient(by_vendor=True), "queued"),
        (Permanent(), "failed_permanent"),
        (RateLimited(HOUR), "queued"),
        (RuntimeError("a bug in the classifier"), "queued"),
        ("nonsense", "queued"),
    ],
)
def test_the_tasks_own_verdict_is_what_is_written(end, verdict, state):
    assert end(VendorsOwnError("busy"), verdict=verdict)[0] == state


def test_a_classifiers_rate_limit_costs_no_attempt(fail, committing):
    id_ = fail(VendorsOwnError("busy"), verdict=RateLimited(HOUR))
    assert rows(committing, "attempt")[id_] == 0
    assert due_in(committing, id_) == pytest.approx(3600, abs=30)


@pytest.mark.parametrize("wait", [5, "5", timedelta(-1), timedelta.max])
def test_a_classifiers_wait_that_makes_no_sense_still_costs_no_attempt(fail, committing, wait):
    id_ = fail(VendorsOwnError("busy"), verdict=RateLimited(wait))
    assert rows(committing, "state", "attempt")[id_] == ("queued", 0)
    assert 0 < due_in(committing, id_) <= 3600


def test_a_verdict_does_not_say_that_an_effect_did_not_happen(fail, committing):
    id_ = fail(VendorsOwnError("busy"), task=FailingOutside, verdict=Permanent())
    assert rows(committing, "state", "intent_at IS NOT NULL")[id_] == ("failed_permanent", True)
