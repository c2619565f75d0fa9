"""What an attempt says of its effects when it ends, whatever its body does around them."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

import pytest

from jobs import KeyConflict, StepChangedError, TransientError
from jobs.context import Job
from jobs.own_connection import OwnConnection
from jobs.worker import limits
from jobs.worker.attempt import perform
from jobs.worker.settle import Settler
from tests.app.tasks import Task
from tests.records import claim, enqueue, rows

IN_DOUBT = ("dead_lettered", "unknown_outcome", True)
AGAIN = ("queued", None, False)


class Told(Task):
    """Does what the test says."""

    dedupe_key = None
    body: ClassVar[Callable[[Job], Any]]

    def run(self) -> Any:
        return self.body(self.job)


class ToldAndMarked(Told):
    """The same, its whole body marked as an effect."""

    dedupe_key = None
    external_effect = True


class ToldAndAsked(Told):
    """The same, with somebody to ask, who says no instead of nothing."""

    dedupe_key = None

    def already_done(self) -> bool:
        return False


@pytest.fixture
def end(committing, monkeypatch):
    """`end(task, body)` performs one attempt in this process; returns state, reason and whether an intent stays."""
    own = OwnConnection("jobs test")

    def attempt(task, told):
        monkeypatch.setattr(Told, "body", staticmethod(told), raising=False)
        (id_,) = enqueue(committing, None)
        job = Job(claim(committing)[0], Settler(own, lambda: False))
        instance = task.instance()
        instance.push_request(job=job)
        try:
            with suppress(Exception):  # what Celery's tracer is told
                perform(instance, job, {})
        finally:
            instance.pop_request()
            limits.stop()  # as a child does after its batch: the kernel's timer would kill this very process
        return rows(committing, "state", "reason", "intent_at IS NOT NULL")[id_]

    yield attempt
    own.close()


def refused(job):
    """A call that reached nobody, as a body notes that goes on to the next host."""
    with pytest.raises(ConnectionRefusedError), job.effect():
        raise ConnectionRefusedError("nobody listens")


def acted(job):
    with job.effect():
        pass


def out_of_time(_job):
    raise TimeoutError("after the call")


def stopped_in_the_call(job):
    with job.effect():
        raise SystemExit(1)


def conflicting(_job):
    raise KeyConflict("another job", None)


def changed(_job):
    raise StepChangedError("another step")


def unsure(_job):
    raise TransientError("again")


def one_after_another(*bodies):
    def run(job):
        for each in bodies:
            each(job)

    return run


@pytest.mark.parametrize("task", [Told, ToldAndMarked])
@pytest.mark.parametrize(
    "told", [one_after_another(refused, acted, out_of_time), one_after_another(refused, stopped_in_the_call)]
)
def test_an_effect_behind_a_refused_one_leaves_its_own_doubt(end, task, told):
    assert end(task, told) == IN_DOUBT


@pytest.mark.parametrize("task", [Told, ToldAndMarked])
def test_where_every_call_was_refused_the_job_runs_again(end, task):
    assert end(task, one_after_another(refused, unsure)) == AGAIN


@pytest.mark.parametrize("error", [conflicting, changed])
def test_a_request_of_its_own_that_the_body_made_and_that_was_refused_says_nothing_of_the_call(end, error):
    assert end(ToldAndMarked, error) == ("failed_permanent", "permanent", True)


def test_a_task_that_says_not_done_by_false_is_not_taken_for_done(end):
    assert end(ToldAndAsked, acted) == ("failed_permanent", "permanent", False)
