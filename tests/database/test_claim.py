"""Who gets what: in order, alone where that was asked for, never too often, never from a paused queue."""

from datetime import timedelta

from idempotency import queues, reads, transitions
from idempotency.ids import new_id
from idempotency.states import State
from tests.records import (
    OOPS,
    assert_balanced,
    by_hand,
    claim,
    enqueue,
    enqueue_plenty,
    let_all_be_due,
    let_leases_run_out,
    own_connection,
    rows,
)

SECOND = timedelta(seconds=1)


def test_records_are_claimed_in_the_order_in_which_they_became_due(own):
    ids = enqueue_plenty(own, 6)
    for place, id_ in enumerate(reversed(ids)):
        sql = (
            "UPDATE idempotency_record SET available_at = '2020-01-01'::timestamptz + %s * interval '1 s' WHERE id = %s"
        )
        own.execute(sql, (place, id_))
    assert [c.id for c in claim(own, 4)] == ids[:1:-1]
    assert [c.id for c in claim(own, 4)] == ids[1::-1]


def test_a_claim_counts_the_attempt_and_raises_the_token(own):
    enqueue(own, None)
    (first,) = claim(own)
    transitions.retry(own, first, delay=timedelta(0), problem=OOPS)
    (second,) = claim(own)
    assert (first.attempt, second.attempt) == (1, 2)
    assert second.fencing_token == first.fencing_token + 1
    assert second.lease_id != first.lease_id


def test_a_solo_record_comes_alone_and_never_with_others(own):
    enqueue_plenty(own, 2)
    alone = enqueue(own, None, solo=True)
    enqueue_plenty(own, 2)
    sizes = []
    while batch := claim(own):
        sizes.append(len(batch))
        assert len(batch) == 1 or alone[0] not in {c.id for c in batch}
    assert sorted(sizes) == [1, 4]


def test_a_solo_record_that_is_left_out_takes_nobodys_place(own):
    (first,), (other,) = enqueue(own, None, account="a"), enqueue(own, None, account="b")
    (solo,), (last,) = enqueue(own, None, account="a", solo=True), enqueue(own, None, account="b")
    assert [(c.id, c.number) for c in claim(own, 3)] == [(first, 1), (other, 2), (last, 3)]
    assert [c.id for c in claim(own, 3)] == [solo]


def test_solo_records_come_one_by_one(own):
    enqueue_plenty(own, 3, solo=True)
    assert [len(claim(own)) for _ in range(4)] == [1, 1, 1, 0]


def test_what_is_not_due_is_not_claimed(own):
    enqueue(own, None, delay=timedelta(hours=1))
    assert claim(own) == []


def test_what_belongs_to_another_queue_is_not_claimed(own):
    enqueue(own, None, queue="critical")
    assert claim(own) == []


def test_what_somebody_else_is_claiming_is_passed_over(committing):
    enqueue_plenty(committing, 3)
    with own_connection() as other, other.transaction():
        assert len(claim(other, 2)) == 2
        assert len(claim(committing)) == 1


def test_no_record_has_more_attempts_than_its_cap(own):
    (id_,) = enqueue(own, None, max_attempts=2)
    ended = []
    while batch := claim(own):
        ended.append(transitions.retry(own, batch[0], delay=timedelta(0), problem=OOPS))
    assert ended == [State.QUEUED, State.DEAD_LETTERED]
    assert rows(own, "attempt", "reason")[id_] == (2, "attempts_exhausted")
    assert_balanced(own)


def test_a_queued_record_without_attempts_left_is_not_claimed_and_ends(own):
    (id_,) = enqueue(own, None, max_attempts=1)
    by_hand(own, "UPDATE idempotency_record SET attempt = 1, line = NULL")
    assert claim(own) == []
    assert reads.backlog(own, ["default"], cap=10)[0].claimable == 0
    assert transitions.exhaust(own, ["default"]) == {id_: State.DEAD_LETTERED}


def test_nothing_is_claimed_from_a_paused_queue_until_it_is_resumed(own):
    enqueue(own, None)
    assert queues.pause(own, "default", duration=None, reason="test", by="test")
    assert claim(own) == []
    assert queues.resume(own, "default")
    assert len(claim(own)) == 1


def test_a_pause_that_has_passed_holds_nobody(own):
    enqueue(own, None)
    queues.pause(own, "default", duration=SECOND, reason="test", by="test")
    assert claim(own) == []
    own.execute("UPDATE idempotency_queue SET paused_until = statement_timestamp() - interval '1 s'")
    assert len(claim(own)) == 1


def test_a_pause_is_never_made_shorter(own):
    assert queues.pause(own, "default", duration=60 * SECOND, reason="long", by="test")
    assert not queues.pause(own, "default", duration=SECOND, reason="short", by="test")
    assert queues.pause(own, "default", duration=None, reason="for ever", by="test")
    assert not queues.pause(own, "default", duration=60 * SECOND, reason="long", by="test")
    own.execute("UPDATE idempotency_queue SET paused_until = statement_timestamp() - interval '1 s'")
    assert queues.pause(own, "default", duration=SECOND, reason="a new one", by="test")


def test_resuming_what_is_not_paused_changes_nothing(own):
    assert not queues.resume(own, "default")


def test_the_death_of_a_batch_returns_all_without_counting_and_each_comes_alone(own):
    ids = enqueue_plenty(own, 3)
    batch = claim(own)
    let_leases_run_out(own)
    assert transitions.reap(own) == dict.fromkeys(ids, State.QUEUED)
    assert set(rows(own, "attempt", "deaths", "solo").values()) == {(0, 0, True)}
    assert [len(claim(own)) for _ in range(4)] == [1, 1, 1, 0]
    assert {c.attempt for c in batch} == {1}


def test_deaths_of_a_lone_record_count_until_it_is_poison(own):
    (id_,) = enqueue(own, None, max_attempts=9)
    ended = []
    for _ in range(transitions.POISON_DEATHS):
        assert len(claim(own)) == 1
        let_leases_run_out(own)
        ended += transitions.reap(own).values()
        let_all_be_due(own)
    assert ended == [State.QUEUED, State.QUEUED, State.DEAD_LETTERED]
    assert rows(own, "attempt", "deaths", "reason")[id_] == (3, 3, "poison")


def test_deaths_of_a_lone_record_count_as_attempts(own):
    (id_,) = enqueue(own, None, max_attempts=1)
    claim(own)
    let_leases_run_out(own)
    assert transitions.reap(own) == {id_: State.DEAD_LETTERED}
    assert rows(own, "reason")[id_] == "attempts_exhausted"


def test_a_lone_death_puts_the_record_behind_others_for_longer_each_time(own):
    enqueue(own, None, max_attempts=9)
    waits = []
    for _ in range(2):
        (claimed,) = claim(own)
        let_leases_run_out(own)
        transitions.reap(own)
        reaped = "SELECT finished_at FROM idempotency_attempt WHERE fencing_token = %s"
        asked = f"SELECT available_at - ({reaped}) FROM idempotency_record"
        waits.append(own.execute(asked, [claimed.fencing_token]).fetchone()[0])
        let_all_be_due(own)
    assert waits == [timedelta(0), SECOND]


def test_the_reaper_takes_only_what_has_run_out_and_no_more_than_its_cap(own):
    enqueue_plenty(own, 5)
    batch = claim(own)
    assert transitions.reap(own) == {}
    let_leases_run_out(own)
    transitions.renew(own, batch[:1], lease=60 * SECOND)
    assert [len(transitions.reap(own, limit=3)) for _ in range(3)] == [3, 1, 0]


def test_returned_attempts_are_bounded(own):
    (id_,) = enqueue(own, None, max_attempts=2)
    own.execute("UPDATE idempotency_record SET given_back = %s", (transitions.GIVE_BACKS - 1,))
    for attempt in (0, 1, 2):
        transitions.give_back(own, claim(own))
        assert rows(own, "attempt")[id_] == attempt
    assert claim(own) == []
    assert transitions.exhaust(own, ["default"]) == {id_: State.DEAD_LETTERED}


def test_parking_costs_no_attempt_however_often(own):
    (id_,) = enqueue(own, None, max_attempts=1)
    own.execute("UPDATE idempotency_record SET given_back = %s", (transitions.GIVE_BACKS,))
    transitions.give_back(own, claim(own), parked_reason="no worker knows it")
    assert rows(own, "attempt", "given_back")[id_] == (0, transitions.GIVE_BACKS)
    assert claim(own) == [], "it is parked"


def test_the_history_tells_each_attempt_by_its_own_number(own):
    enqueue(own, None, max_attempts=5)
    transitions.retry(own, claim(own)[0], delay=timedelta(0), problem=OOPS)
    transitions.give_back(own, claim(own), problem=OOPS)
    claim(own)
    let_leases_run_out(own)
    transitions.reap(own)
    history = own.execute("SELECT attempt, outcome, error_class FROM idempotency_attempt ORDER BY id").fetchall()
    assert history == [(1, "retry", "ValueError"), (2, "give_back", "ValueError"), (2, "reap", "LeaseExpired")]


def test_waiting_for_others_never_uses_up_the_attempts_that_are_returned(own):
    enqueue(own, None, max_attempts=1)
    for _ in range(transitions.GIVE_BACKS + 5):
        transitions.give_back(own, claim(own), begun=False)
    assert claim(own)[0].attempt == 1


def test_a_claim_whose_answer_was_lost_is_found_by_its_lease(own):
    options = '{"headers": {"a": 1}}'
    for key in "abc":
        enqueue(own, key, calls=3, options=options)
    lease_id = new_id()
    claimed = transitions.claim(
        own, "default", limit=2, lease=timedelta(seconds=60), claimed_by="me", lease_id=lease_id
    )
    found = transitions.claimed_under(own, lease_id)
    unknown = {"turn": 0, "doubtful": True, "late": None}
    assert found == [c._replace(**unknown) for c in claimed]
    held = rows(own, "queue", "lease_id", "claimed_by", "lease_expires_at")
    assert [(c.queue, c.lease_id, c.claimed_by, c.lease_expires_at) for c in claimed] == [held[c.id] for c in claimed]
    assert {(c.left_others, c.options["headers"]["a"]) for c in claimed} == {(True, 1)}
    assert transitions.claimed_under(own, new_id()) == []
