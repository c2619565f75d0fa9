"""Only the owner of a claim writes: every other write, however late, changes nothing and says so."""

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.errors import LeaseLost
from idempotency.states import Reason, State
from tests.records import LEASE, OOPS, by_hand, claim, enqueue, enqueue_plenty, let_all_be_due, let_leases_run_out

NOW = timedelta(0)
WRITES = {
    "succeed": lambda c, mine: transitions.succeed(c, [mine], ['"late"']),
    "renew": lambda c, mine: transitions.renew(c, [mine], lease=LEASE),
    "intend": lambda c, mine: transitions.intend(c, mine) or True,
    "give_back": lambda c, mine: transitions.give_back(c, [mine], problem=OOPS),
    "retry": lambda c, mine: transitions.retry(c, mine, delay=NOW, problem=OOPS),
    "fail": lambda c, mine: transitions.fail(c, mine, OOPS),
    "dead_letter": lambda c, mine: transitions.dead_letter(c, mine, reason=Reason.POISON, problem=OOPS),
    "terminate": lambda c, mine: transitions.terminate(c, mine, why="ended"),
}


def reaped(own, mine):
    let_leases_run_out(own)
    transitions.reap(own)


def claimed_again(own, mine):
    reaped(own, mine)
    let_all_be_due(own)
    assert claim(own)


def settled(own, mine):
    transitions.succeed(own, [mine], ["1"])


def replayed(own, mine):
    transitions.fail(own, mine, OOPS)
    transitions.replay(own, [Seen(mine.id, mine.fencing_token)])
    assert claim(own)


def given_back(own, mine):
    transitions.give_back(own, [mine])


def token_repeated_after_a_fail_over(own, mine):
    by_hand(own, "UPDATE idempotency_record SET lease_id = %s", uuid4())


def everything(own):
    rows = own.execute("SELECT * FROM idempotency_record ORDER BY id").fetchall()
    return rows, own.execute("SELECT * FROM idempotency_attempt ORDER BY id").fetchall()


def refused(write, own, mine):
    """A write of one record raises, a write of several returns those that were owned."""
    with suppress(LeaseLost):
        return write(own, mine) == set()
    return True


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize(
    "lost", [reaped, claimed_again, settled, replayed, given_back, token_repeated_after_a_fail_over]
)
def test_a_worker_whose_claim_has_ended_cannot_write(own, write, lost):
    enqueue(own, "a", max_attempts=9)
    (mine,) = claim(own)
    lost(own, mine)
    before = everything(own)
    assert refused(write, own, mine)
    assert everything(own) == before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_the_owner_can_write(own, write):
    enqueue(own, "a", max_attempts=9)
    (mine,) = claim(own)
    before = everything(own)
    assert write(own, mine)
    assert everything(own) != before


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("forged", ["fencing_token", "lease_id"])
def test_token_and_lease_are_each_demanded(own, write, forged):
    enqueue(own, "a", max_attempts=9)
    (mine,) = claim(own)
    wrong = {"fencing_token": mine.fencing_token + 1, "lease_id": uuid4()}
    before = everything(own)
    assert refused(write, own, mine._replace(**{forged: wrong[forged]}))
    assert everything(own) == before


def test_of_a_group_only_what_is_still_owned_is_settled(own):
    enqueue_plenty(own, 3)
    batch = claim(own)
    transitions.fail(own, batch[1], OOPS)
    assert transitions.succeed(own, batch, ["1", "2", "3"]) == {batch[0].id, batch[2].id}
    assert transitions.succeeded_by(own, batch) == {batch[0].id, batch[2].id}


def test_a_claim_can_ask_whether_its_own_settle_went_through(own):
    enqueue(own, "a")
    (mine,) = claim(own)
    assert transitions.succeeded_by(own, [mine]) == set()
    settled(own, mine)
    assert transitions.succeeded_by(own, [mine]) == {mine.id}
    assert transitions.succeeded_by(own, [mine._replace(lease_id=uuid4())]) == set()


def test_a_success_is_never_left(own):
    (id_,) = enqueue(own, "a")
    (mine,) = claim(own)
    settled(own, mine)
    for token in (mine.fencing_token, mine.fencing_token + 1):
        assert not transitions.replay(own, [Seen(id_, token)])
        assert not transitions.cancel(own, id_, token=token, why="no")


@pytest.mark.parametrize("person", ["cancel", "replay"])
def test_a_person_changes_only_what_the_page_showed(own, person):
    (id_,) = enqueue(own, "a")
    token = 0
    if person == "replay":
        (mine,) = claim(own)
        transitions.fail(own, mine, OOPS)
        token = mine.fencing_token
    act = {
        "cancel": lambda token: transitions.cancel(own, id_, token=token, why="no longer wanted"),
        "replay": lambda token: transitions.replay(own, [Seen(id_, token)]),
    }[person]
    before = everything(own)
    assert not act(token + 1)
    assert everything(own) == before
    assert act(token)
    assert not act(token)


def test_a_job_in_processing_cannot_be_cancelled_behind_its_owners_back(own):
    (id_,) = enqueue(own, "a")
    (mine,) = claim(own)
    assert not transitions.cancel(own, id_, token=mine.fencing_token, why="no")


def test_a_replay_starts_anew(own):
    (id_,) = enqueue(own, "a", max_attempts=1)
    (mine,) = claim(own)
    assert transitions.retry(own, mine, delay=NOW, problem=OOPS) == State.DEAD_LETTERED
    assert transitions.replay(own, [Seen(id_, mine.fencing_token)])
    (again,) = claim(own)
    assert (again.attempt, again.replay_count, again.fencing_token) == (1, 1, mine.fencing_token + 2)


def test_the_records_of_a_dead_claimant_are_returned_at_once_and_no_others(own):
    enqueue_plenty(own, 4)
    dead = claim(own, 2, claimed_by="worker/a")
    alive = claim(own, 2, claimed_by="worker/b")
    assert transitions.expire(own, "worker/a") == 2
    assert transitions.reap(own).keys() == {c.id for c in dead}
    assert transitions.renew(own, alive, lease=LEASE) == {c.id for c in alive}
