"""The short claim takes what the long one would take, where that is one record, and leaves everything else to it."""

from datetime import timedelta

import pytest

from idempotency import queues, transitions
from idempotency.queues import Limits
from jobs.own_connection import OwnConnection
from jobs.worker.claimer import Claimer
from tests.records import (
    OOPS,
    by_hand,
    claim,
    claim_lone,
    enqueue,
    enqueue_plenty,
    let_leases_run_out,
    own_connection,
    rows,
)

SECOND = timedelta(seconds=1)
OF_THE_CLAIM = ("lease_id", "lease_expires_at", "fencing_token", "attempt", "late")  # what differs from claim to claim


def test_it_hands_out_the_same_as_the_long_one(own):
    enqueue(own, "k", account="a", priority=2, solo=True, calls=3, options='{"headers": {"a": 1}}')
    (long,) = claim(own, 8, claimed_by="w")
    transitions.give_back(own, [long], begun=False)
    (lone,) = claim_lone(own, claimed_by="w")
    same = dict.fromkeys(OF_THE_CLAIM)
    assert lone._replace(**same) == long._replace(**same)
    assert (lone.attempt, lone.fencing_token) == (long.attempt, long.fencing_token + 1)
    assert list(rows(own, "state", "line", "alone", "claimed_by").values()) == [("processing", None, True, "w")]
    assert transitions.succeed(own, [lone], ["1"]) == {lone.id}


def test_a_retry_that_stands_alone_is_taken_from_the_line_of_retries(own):
    enqueue(own, None)
    transitions.retry(own, claim_lone(own)[0], delay=timedelta(0), problem=OOPS)
    (again,) = claim_lone(own)
    assert (again.attempt, again.fencing_token, again.line) == (2, 2, 1)


@pytest.mark.parametrize("others", [{}, {"account": "another"}, {"priority": 5}, {"solo": True}])
def test_of_two_it_takes_none_since_the_turns_decide(own, others):
    enqueue(own, None)
    enqueue(own, None, **others)
    assert claim_lone(own) == []
    assert set(rows(own, "state", "attempt").values()) == {("queued", 0)}


def test_it_takes_nothing_from_a_paused_queue(own):
    enqueue(own, None)
    queues.pause(own, "default", duration=None, reason="test", by="test")
    assert claim_lone(own) == []
    queues.resume(own, "default")
    assert len(claim_lone(own)) == 1


def test_it_takes_nothing_from_a_vendors_queue_whose_slots_it_does_not_count(own):
    queues.configure(own, "default", "ledgerly", Limits(calls_per_second=1))
    enqueue(own, None)
    assert claim_lone(own) == []
    assert len(claim(own)) == 1


@pytest.mark.parametrize("terms", [{"delay": 3600 * SECOND}, {"queue": "critical"}, {"held": True}])
def test_it_takes_nothing_that_does_not_stand_in_line(own, terms):
    enqueue(own, None, **terms)
    assert claim_lone(own) == []


def test_it_takes_nothing_without_attempts(own):
    enqueue(own, None, max_attempts=1)
    by_hand(own, "UPDATE idempotency_record SET attempt = 1")
    assert claim_lone(own) == []


def test_it_passes_over_what_somebody_else_is_claiming_and_locks_nothing_that_it_leaves(committing):
    enqueue_plenty(committing, 1)
    with own_connection() as other, other.transaction():
        assert len(claim(other)) == 1
        assert claim_lone(committing) == []
    enqueue_plenty(committing, 2)
    with own_connection() as other, other.transaction():
        assert claim_lone(other) == []
        assert len(claim(committing)) == 2


def test_the_death_of_its_worker_counts(own):
    enqueue(own, None, max_attempts=9)
    assert len(claim_lone(own)) == 1
    let_leases_run_out(own)
    transitions.reap(own)
    assert list(rows(own, "attempt", "deaths").values()) == [(1, 1)]


# -- the worker that chooses between them -----------------------------------------------------------------------------


@pytest.fixture
def claimer(transactional_db):
    own = OwnConnection("jobs test")
    yield Claimer(own, ["vendors"])
    own.close()


def test_a_worker_finds_them_one_by_one_and_many_at_once(committing, claimer):
    for number in (1, 1, 3, 1, 2, 0, 1):
        enqueue_plenty(committing, number)
        claimed, hoped = claimer.claim("default", 4, "w")
        assert len(claimed) == number
        assert len({c.lease_id for c in claimed}) <= 1
        assert hoped > number  # it need not look once more


def test_a_worker_that_takes_one_at_a_time_looks_once_more_where_there_are_several(committing, claimer):
    enqueue_plenty(committing, 2)
    for _ in range(2):
        claimed, hoped = claimer.claim("default", 1, "w")
        assert len(claimed) == 1
    assert claimer.claim("default", 1, "w") == ([], 1)
    assert hoped == 2
