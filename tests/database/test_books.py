"""The conservation audit balances through everything we do, and names what somebody else did."""

from datetime import timedelta

from idempotency import transitions
from idempotency.audit import audit, breaches
from tests.records import OOPS, assert_balanced, by_hand, claim, enqueue, enqueue_plenty


def test_every_record_is_counted_where_it_is(own):
    ids = enqueue_plenty(own, 5)
    batch = claim(own, 4)
    transitions.succeed(own, batch[:1], ["1"])
    transitions.fail(own, batch[1], OOPS)
    transitions.dead_letter(own, batch[2], reason="poison", problem=OOPS)
    (books,) = audit(own)
    assert books.as_dict() == {
        "task": "tests.task",
        "accepted": len(ids),
        "succeeded": 1,
        "failed_permanent": 1,
        "dead_lettered": 1,
        "processing": 1,
        "queued": 1,
        "pruned": 0,
        "missing": 0,
        "balanced": True,
    }


def test_a_record_deleted_by_hand_is_missed(own):
    enqueue_plenty(own, 3)
    by_hand(own, "DELETE FROM idempotency_record WHERE id = (SELECT min(id::text)::uuid FROM idempotency_record)")
    assert breaches(own, audit(own)) == [
        "tests.task: 1 accepted records are gone. Something else than the pruner deleted them."
    ]


def test_a_record_inserted_by_hand_is_noticed(own):
    enqueue(own, None)
    own.execute("DELETE FROM idempotency_tally")
    (breach,) = breaches(own, audit(own))
    assert "1 records were never enqueued" in breach


def test_attempts_of_a_record_that_is_gone_are_noticed(own):
    (id_,) = enqueue(own, None)
    transitions.retry(own, claim(own)[0], delay=timedelta(0), problem=OOPS)
    by_hand(own, "DELETE FROM idempotency_record")
    assert f"attempts are kept of records that are gone: {id_}" in breaches(own, audit(own))


def test_the_books_of_one_task_can_be_asked_for(own):
    enqueue(own, None)
    enqueue(own, None, task="tests.other")
    assert [b.task for b in audit(own)] == ["tests.other", "tests.task"]
    assert [b.task for b in audit(own, "tests.other")] == ["tests.other"]


def test_summing_up_the_tally_changes_no_sum(own):
    for _ in range(5):
        enqueue_plenty(own, 2)
        enqueue_plenty(own, 1, task="tests.other")
    before = audit(own)
    assert transitions.compact_tally(own, limit=4)
    assert audit(own) == before
    assert not transitions.compact_tally(own)
    assert audit(own) == before
    assert own.execute("SELECT count(*) FROM idempotency_tally").fetchone() == (2,)
    assert_balanced(own)


def test_pruning_moves_records_within_the_books(own):
    enqueue(own, "kept", None)
    transitions.succeed(own, claim(own), ["1", "2"])
    assert transitions.prune(own, retention=timedelta(seconds=-1)) == 2
    (books,) = audit(own)
    assert (books.accepted, books.succeeded, books.pruned, books.missing) == (2, 0, 2, 0)
    assert transitions.prune(own, retention=timedelta(seconds=-1)) == 0
