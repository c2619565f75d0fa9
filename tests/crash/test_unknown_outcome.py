"""An effect that nobody can take back happens once; where nobody can tell whether it did, a person is asked."""

import signal

import pytest
from django.db import connection

from idempotency.models import Record
from jobs.why import explain
from tests.app.effects import ActInTheMiddle, ActOutside, ActOutsideAndAsk
from tests.processes import wait_until


@pytest.fixture
def _worker(spawn_worker, spawn_relay):
    spawn_worker("default", concurrency=1)
    spawn_relay()


@pytest.fixture
def ledger(tmp_path):
    """The file in which each effect is a line."""
    return tmp_path / "ledger"


def effects(ledger):
    return ledger.read_text().splitlines()


def ended(job):
    wait_until(lambda: not Record.objects.filter(id=job.id, state__in=["queued", "processing"]).exists(), 30)
    return Record.objects.get(id=job.id)


@pytest.mark.usefixtures("_worker")
@pytest.mark.parametrize("how", ["killed", "timed out", "too slow"])
def test_an_effect_that_may_have_happened_is_not_repeated_but_shown_to_a_person(ledger, how):
    record = ended(ActOutside.enqueue(path=str(ledger), how=how))
    assert (record.state, record.reason) == ("dead_lettered", "unknown_outcome")
    assert effects(ledger) == ["done"]


@pytest.mark.usefixtures("_worker")
def test_the_person_is_told_what_to_look_for(ledger):
    job = ActOutside.enqueue(path=str(ledger), how="killed")
    ended(job)
    _, sentence = explain(connection, job.id)
    assert "Look at the other side" in sentence
    assert "may have happened since" in sentence


@pytest.mark.usefixtures("_worker")
def test_a_call_that_was_refused_is_made_again(ledger):
    record = ended(ActOutside.enqueue(path=str(ledger), how="refused"))
    assert (record.state, record.attempt, record.result) == ("succeeded", 2, "acted")
    assert effects(ledger) == ["done"]


@pytest.mark.usefixtures("_worker")
@pytest.mark.parametrize("how", ["killed", "timed out"])
def test_where_the_other_side_can_be_asked_it_is(ledger, how):
    record = ended(ActOutsideAndAsk.enqueue(path=str(ledger), how=how))
    assert (record.state, record.attempt, record.result) == ("succeeded", 2, "found")
    assert effects(ledger) == ["done"]


@pytest.mark.usefixtures("_worker")
def test_an_answer_that_does_not_decide_is_for_a_person(ledger):
    record = ended(ActOutsideAndAsk.enqueue(path=str(ledger), how="undecided"))
    assert (record.state, record.reason) == ("dead_lettered", "unknown_outcome")
    assert record.error == "UnknownOutcomeError: two entries look alike"
    assert effects(ledger) == ["done"]


@pytest.mark.usefixtures("_worker")
def test_a_death_before_the_marked_call_leaves_no_doubt(ledger):
    record = ended(ActInTheMiddle.enqueue(path=str(ledger), how="killed before"))
    assert (record.state, record.result) == ("succeeded", {"attempt": 2})
    assert effects(ledger) == ["done"]


@pytest.mark.usefixtures("_worker")
def test_a_death_after_the_marked_call_does(ledger):
    record = ended(ActInTheMiddle.enqueue(path=str(ledger), how="killed after"))
    assert (record.state, record.reason) == ("dead_lettered", "unknown_outcome")
    assert effects(ledger) == ["done"]


def test_a_worker_that_is_told_to_drop_its_work_leaves_the_doubt_behind(spawn_worker, spawn_relay, ledger):
    worker = spawn_worker("default", concurrency=1)
    job = ActOutside.enqueue(path=str(ledger), how="too slow")
    wait_until(ledger.exists)
    worker.signal(signal.SIGQUIT)
    worker.wait_for_end()
    spawn_worker("default", concurrency=1)
    spawn_relay()
    record = ended(job)
    assert (record.state, record.reason) == ("dead_lettered", "unknown_outcome")
    assert effects(ledger) == ["done"]
