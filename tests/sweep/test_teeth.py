"""Broken on purpose: a sweep that finds nothing wrong with these would prove nothing by finding nothing elsewhere."""

import pytest

from idempotency import statements, steps, transitions
from idempotency.connection import connect
from jobs import context, enqueueing, relay
from jobs.testing import CrashSweepFailed, crash_sweep
from jobs.worker.settle import Settler
from tests.app.models import Effect
from tests.app.stepping import ChargeThenShip
from tests.app.tasks import Mark, MarkInCommit
from tests.sweep.test_two_steps import made_of_kept_steps, order


def named(number):
    return {"name": f"run {number}"}


def found_by(task, **asked):
    """The violations of a sweep that must fail."""
    with pytest.raises(CrashSweepFailed) as failed:
        crash_sweep(task, **{"payload": named, "pairs": False, "roles": ("worker",)} | asked)
    assert failed.value.sweep.violations
    return failed.value.sweep.violations


def says(violations):
    return " ".join(violation.says for violation in violations)


def test_a_settle_without_the_fencing_token_lets_a_zombie_commit_twice(monkeypatch):
    real, own = statements.statement, statements.SQL.joinpath("owned.part.sql").read_text().strip()

    def unguarded(name):
        return real(name).replace(own, "r.id = ANY(%(ids)s::uuid[])") if name == "succeed" else real(name)

    monkeypatch.setattr(statements, "statement", unguarded)
    violations = found_by(MarkInCommit, roles=(), pairs=True)
    assert "its `commit` was committed 2 times" in says(violations)
    assert {violation.spot.split()[0] for violation in violations} == {"pair"}


def test_a_settle_before_the_commit_loses_what_commit_does(monkeypatch):
    def apart(settler, task, job, payload, result, text):
        settler.own.insist(lambda c: transitions.succeed(c, [job.claimed], [text]))
        task.commit(result, **payload)

    monkeypatch.setattr(Settler, "_succeed_together", apart)
    violations = found_by(MarkInCommit)
    assert "is succeeded, and its `commit` was committed 0 times" in says(violations)
    again = found_by(MarkInCommit, only=violations[0].spot, payload=lambda number: {"name": f"repeated {number}"})
    assert {violation.spot for violation in again} == {violations[0].spot}


def test_a_record_that_is_not_in_the_callers_transaction_is_there_without_it(monkeypatch):
    def apart(_connection, terms, requests):
        with connect("apart") as own:
            return transitions.enqueue(own, terms, requests)

    stand_in = type("Transitions", (), {"enqueue": staticmethod(apart)})
    monkeypatch.setattr(enqueueing, "transitions", stand_in)
    violations = found_by(MarkInCommit, roles=("caller",))
    assert "was rolled back, and a record of the job is there" in says(violations)


def test_a_body_whose_effect_nobody_announces_has_it_twice():
    def marks(payload):
        return Effect.objects.filter(name=payload["name"]).count()

    violations = found_by(Mark, effects=marks)
    assert "The effect happened 2 times, for 1 request(s)" in says(violations)
    assert any("after" in violation.spot for violation in violations)


def test_a_step_that_does_not_adopt_what_was_kept_gives_a_result_that_nobody_kept(monkeypatch):
    class Steps:
        @staticmethod
        def find_step(*_):
            return None

        @staticmethod
        def keep_step(connection, claimed, name, *, input, result):  # noqa: A002 - as it is called
            steps.keep_step(connection, claimed, name, input=input, result=result)
            return steps.Kept(input, statements.loads(result))

    monkeypatch.setattr(context, "steps", Steps)
    violations = found_by(ChargeThenShip, payload=order, check=made_of_kept_steps)
    assert "The check that was given fails" in says(violations)


def test_a_reaper_that_takes_nothing_back_leaves_jobs_behind(monkeypatch):
    monkeypatch.setattr(relay.transitions, "reap", lambda *_, **__: {})
    assert "is still processing although everybody had time to finish it" in says(found_by(MarkInCommit))


def test_a_relay_that_sends_no_hints_leaves_jobs_behind(monkeypatch):
    monkeypatch.setattr(relay.Relay, "_top_up", lambda *_: 0)
    assert "is still queued although everybody had time to finish it" in says(found_by(MarkInCommit))
