"""Who comes first in a queue: accounts take turns, and within one priority and age decide."""

from datetime import timedelta

import pytest

from idempotency import queues, transitions
from idempotency.keys import account_hash
from idempotency.queues import Limits
from jobs.worker.turns import Turns
from tests.records import LEASE, OOPS, claim, enqueue, enqueue_plenty, rows


def drain(own, limit, claims):
    """Ids in the order of their claims, as one worker takes them."""
    turns, taken = Turns(), []
    for _ in range(claims):
        batch = claim(own, limit, turns=turns)
        turns.move_on(batch)
        taken += [c.id for c in batch]
    return taken


def age(own, seconds, *ids):
    own.execute(
        "UPDATE idempotency_record SET available_at = available_at - %s * interval '1 s' WHERE id = ANY(%s)",
        (seconds, list(ids)),
    )


def test_an_account_with_a_single_job_is_in_the_first_claim_beside_one_with_thousands(own):
    for _ in range(5):
        enqueue_plenty(own, 1000, account="big")
    (single,) = enqueue(own, None, account="small")
    assert single in {c.id for c in claim(own, 4)}


def test_with_claims_of_one_job_accounts_take_turns(own):
    big = set(enqueue_plenty(own, 10, account="big"))
    small = set(enqueue_plenty(own, 3, account="small"))
    first = drain(own, 1, 6)
    assert [len(first), len(small & set(first)), len(big & set(first))] == [6, 3, 3]


def test_every_account_is_served_before_any_is_served_twice(own):
    accounts = [f"account {n}" for n in range(100)]
    ids = {account: enqueue_plenty(own, 2, account=account) for account in accounts}
    first = drain(own, 10, 10)
    assert len(first) == 100
    assert all(len(set(ids[account]) & set(first)) == 1 for account in accounts)


def test_no_claim_ends_early_because_an_account_has_little(own):
    enqueue(own, None, account="small")
    enqueue_plenty(own, 30, account="big")
    first = claim(own, 10)
    assert len(first) + len(claim(own, 100)) == 31
    assert first[0].left_others


@pytest.mark.parametrize("calls", [1, 2])
def test_where_slots_are_few_accounts_take_turns_whatever_the_age_of_their_jobs(own, calls):
    queues.configure(own, "default", "ledgerly", Limits(calls_per_second=20))
    for number in range(5):
        age(own, 600, *enqueue_plenty(own, 20, account=f"big {number}", calls=calls))
    (single,) = enqueue(own, None, account="small", calls=calls)
    first, turns = [], Turns()
    while len(first) < 6:
        batch = claim(own, 8, turns=turns)
        turns.move_on(batch)
        first += [c.id for c in batch]
        own.execute("UPDATE idempotency_queue SET next_call_at = next_call_at - interval '0.05 s'")
    assert single in first


def test_an_account_that_nobody_names_is_one_too():
    assert account_hash("") == 0


def test_hashes_of_accounts_fit_an_integer():
    assert all(-(2**31) <= account_hash(str(n)) < 2**31 for n in range(1000))


def test_a_higher_priority_comes_first(own):
    usual = enqueue_plenty(own, 3)
    (urgent,) = enqueue(own, None, priority=5)
    (idle,) = enqueue(own, None, priority=-5)
    assert [c.id for c in claim(own)] == [urgent, *usual, idle]


def test_a_step_of_priority_counts_as_a_minute_of_waiting_so_that_a_low_one_never_starves(own):
    (low,) = enqueue(own, None, priority=-5)
    (high,) = enqueue(own, None, priority=5)
    age(own, 9 * 60, low)
    assert [c.id for c in claim(own, 1)] == [high]
    (high,) = enqueue(own, None, priority=5)
    age(own, 2 * 60, low)
    assert [c.id for c in claim(own, 1)] == [low]


def test_what_is_not_due_stands_in_no_line_and_is_staged_when_its_time_has_come(own):
    (later,) = enqueue(own, None, delay=timedelta(hours=1))
    assert rows(own, "line")[later] is None
    assert transitions.stage(own, ["default"]) == 0
    age(own, 3601, later)
    assert transitions.stage(own, ["default"]) == 1
    assert rows(own, "line")[later] == 0


def test_a_retry_stands_in_the_line_of_retries(own):
    (id_,) = enqueue(own, None, priority=3)
    assert rows(own, "line")[id_] == 6
    transitions.retry(own, claim(own)[0], delay=timedelta(0), problem=OOPS)
    transitions.stage(own, ["default"])
    assert rows(own, "line")[id_] == 7


def test_who_is_given_back_keeps_its_place(own):
    (first,) = enqueue(own, None)
    enqueue_plenty(own, 3)
    batch = claim(own, 1)
    transitions.give_back(own, batch, begun=False)
    assert [c.id for c in claim(own, 1)] == [first]


def test_a_claim_whose_cursor_stands_at_the_end_goes_on_at_the_beginning(own):
    ids = {n: enqueue(own, None, account=str(n))[0] for n in range(4)}
    order = sorted(ids, key=lambda n: account_hash(str(n)))
    batch = transitions.claim(
        own, "default", limit=2, lease=LEASE, claimed_by="w", cursors={0: account_hash(str(order[2]))}
    )
    assert {c.id for c in batch} == {ids[order[3]], ids[order[0]]}


def test_a_retry_of_a_small_account_waits_for_no_older_backlog_of_another(own):
    (small,) = enqueue(own, None, account="small")
    transitions.retry(own, claim(own)[0], delay=timedelta(0), problem=OOPS)
    age(own, 600, *enqueue_plenty(own, 50, account="big"))
    assert small in drain(own, 1, 3)


def test_an_account_behind_many_busy_ones_is_reached(own):
    queues.configure(own, "default", "ledgerly", Limits(account_serial=True))
    for n in range(40):
        enqueue_plenty(own, 2, account=f"busy {n}")
    while claim(own, 200):
        pass
    (free,) = enqueue(own, None, account="free")
    assert [c.id for c in claim(own, 1)] == [free]
