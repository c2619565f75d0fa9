"""An intent that was noted before an outside effect stays until somebody knows that nothing was done."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.errors import LeaseLost
from tests.records import OOPS, claim, enqueue, let_all_be_due, let_leases_run_out, rows

NOW = timedelta(0)
REFUSED = replace(OOPS, nothing_done=True)


def intended(own, **terms):
    """A record in the hands of an attempt that was about to act."""
    enqueue(own, None, **terms)
    (claimed,) = claim(own)
    transitions.intend(own, claimed)
    return claimed


def intent_of(own, claimed):
    return rows(own, "intent_at")[claimed.id]


def reap(own, claimed):
    let_leases_run_out(own)
    transitions.reap(own)


LEAVES = {
    "the reaper": reap,
    "an error that proves nothing": lambda own, c: transitions.retry(own, c, delay=NOW, problem=OOPS),
    "a shutdown": lambda own, c: transitions.give_back(own, [c]),
    "a permanent error after the effect": lambda own, c: transitions.fail(own, c, OOPS),
}
TAKES_BACK = {
    "a refusal that is retried": lambda own, c: transitions.retry(own, c, delay=NOW, problem=REFUSED),
    "a refusal because of the rate": lambda own, c: transitions.give_back(own, [c], problem=REFUSED),
    "a refusal for good": lambda own, c: transitions.fail(own, c, REFUSED),
}


@pytest.mark.parametrize("write", LEAVES.values(), ids=LEAVES)
def test_an_intent_outlives(own, write):
    claimed = intended(own)
    noted = intent_of(own, claimed)
    write(own, claimed)
    assert intent_of(own, claimed) == noted is not None


@pytest.mark.parametrize("write", TAKES_BACK.values(), ids=TAKES_BACK)
def test_an_intent_is_taken_back_by(own, write):
    claimed = intended(own)
    write(own, claimed)
    assert intent_of(own, claimed) is None


def test_the_next_claim_is_told_of_the_first_intent(own):
    first = intended(own)
    noted = intent_of(own, first)
    transitions.retry(own, first, delay=NOW, problem=OOPS)
    (second,) = claim(own)
    transitions.intend(own, second)
    assert first.intent_at is None
    assert second.intent_at == intent_of(own, second) == noted
    assert transitions.claimed_under(own, second.lease_id)[0].intent_at == noted


def test_an_attempt_that_lost_the_record_may_not_act(own):
    enqueue(own, None)
    (claimed,) = claim(own)
    reap(own, claimed)
    with pytest.raises(LeaseLost, match="no longer owns"):
        transitions.intend(own, claimed)
    assert intent_of(own, claimed) is None


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (LEAVES["the reaper"], "unknown_outcome"),
        (LEAVES["an error that proves nothing"], "unknown_outcome"),
        (TAKES_BACK["a refusal that is retried"], "attempts_exhausted"),
    ],
)
def test_a_job_that_used_up_its_attempts_in_doubt_says_so(own, write, reason):
    claimed = intended(own, max_attempts=1)
    write(own, claimed)
    assert rows(own, "state", "reason")[claimed.id] == ("dead_lettered", reason)


def test_a_job_that_waits_in_doubt_without_attempts_says_so(own):
    claimed = intended(own, max_attempts=1)
    own.execute("UPDATE idempotency_record SET given_back = %s", (transitions.GIVE_BACKS,))
    transitions.give_back(own, [claimed])
    transitions.exhaust(own, ["default"])
    assert rows(own, "state", "reason")[claimed.id] == ("dead_lettered", "unknown_outcome")


def test_a_replay_begins_without_a_doubt_because_a_person_has_looked(own):
    claimed = intended(own)
    transitions.fail(own, claimed, OOPS)
    assert transitions.replay(own, [Seen(claimed.id, claimed.fencing_token)])
    let_all_be_due(own)
    assert claim(own)[0].intent_at is None
