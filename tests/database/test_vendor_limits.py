"""What a claim takes from a vendor's queue: slots, the probe, the ramp, the budget of retries, an account at a time."""

import time
from datetime import timedelta
from itertools import pairwise

import pytest

from idempotency import queues, reads, transitions
from idempotency.queues import Circuit, Limits
from idempotency.states import PauseKind
from tests.records import OOPS, claim, enqueue, enqueue_plenty, let_all_be_due, let_leases_run_out, own_connection

SECOND = timedelta(seconds=1)
PAUSE = "SELECT extract(epoch FROM paused_until - paused_at) FROM idempotency_queue"
FREE_AT = "SELECT extract(epoch FROM next_call_at)::float8 FROM idempotency_queue"
CIRCUIT = Circuit(threshold=3, shortest=10 * SECOND, longest=60 * SECOND)


@pytest.fixture
def limit(own):
    """`limit(calls_per_second=…)`: the default queue belongs to a vendor with these limits."""
    return lambda **limits: queues.configure(own, "default", "ledgerly", Limits(**limits))


def hit_rate_limit(own, batch, wait=10 * SECOND):
    queues.pause(own, "default", duration=wait, reason="429", by="w", kind=PauseKind.RATE_LIMIT, vendor="ledgerly")
    transitions.give_back(own, batch, delay=wait, problem=OOPS)


def let_time_pass(own, seconds):
    """Move every moment of the queue and of the waiting into the past."""
    for column in ("paused_at", "paused_until", "episode_at", "ramp_from", "next_call_at", "retry_tokens_at"):
        own.execute(f"UPDATE idempotency_queue SET {column} = {column} - %s * interval '1 second'", (seconds,))
    own.execute("UPDATE idempotency_account SET next_call_at = next_call_at - %s * interval '1 second'", (seconds,))
    let_all_be_due(own)


def told(own, question):
    (answer,) = own.execute(question).fetchone()
    return answer


# -- slots ------------------------------------------------------------------------------------------------------------


def test_a_claim_takes_no_more_calls_than_have_slots_within_a_tenth_of_a_second(own, limit):
    limit(calls_per_second=100)
    enqueue_plenty(own, 50)
    began = time.monotonic()
    batch = claim(own, 50)
    assert 10 <= len(batch) <= 11
    assert len(claim(own, 50)) <= 2 + 100 * (time.monotonic() - began)


def test_slots_are_spaced_and_the_next_claim_goes_on_behind_them(own, limit):
    limit(calls_per_second=50, burst=1)
    enqueue_plenty(own, 20)
    batch = claim(own, 3)
    assert [round(b.slot_at - a.slot_at, 6) for a, b in pairwise(batch)] == [0.02, 0.02]
    free_at = told(own, FREE_AT)
    assert len(claim(own, 1)) == 1
    assert told(own, FREE_AT) >= free_at + 0.0199


def test_after_a_rest_the_burst_may_be_called_at_once_but_for_what_lateness_needs(own, limit):
    limit(calls_per_second=10, burst=11)
    enqueue_plenty(own, 50)
    let_time_pass(own, 60)
    batch = claim(own, 50)
    assert len(batch) == 1 + 9 + 1  # now, a second's burst less a tenth of it, and a tenth of a second ahead


def test_the_slots_of_a_burst_are_there_to_be_used_from_now_on(own, limit):
    limit(calls_per_second=10, burst=11)
    enqueue_plenty(own, 50)
    let_time_pass(own, 60)
    asked_at = time.monotonic()
    batch = claim(own, 50)
    assert all(c.slot_at >= asked_at and c.late > 0 for c in batch)
    let_time_pass(own, 60)
    assert [queues.slot(own, "default").wait for _ in range(3)] == [0, 0, 0]


def test_a_job_takes_a_slot_for_each_of_its_calls(own, limit):
    limit(calls_per_second=100)
    enqueue_plenty(own, 50, calls=2)
    batch = claim(own, 50)
    assert 5 <= len(batch) <= 6
    assert round(batch[1].slot_at - batch[0].slot_at, 3) == 0.02


def test_a_job_with_more_calls_than_slots_still_comes_and_makes_the_others_wait(own, limit):
    limit(calls_per_second=10)
    enqueue_plenty(own, 2, calls=3000)
    assert len(claim(own)) == 1
    assert claim(own) == []
    let_time_pass(own, 300)
    assert len(claim(own)) == 1


def test_a_queue_without_slots_is_not_claimable_and_says_when_it_is(own, limit):
    limit(calls_per_second=0.01)
    enqueue_plenty(own, 2)
    claim(own, 1)
    (backlog,) = reads.backlog(own, ["default"], cap=10)
    assert backlog.claimable == 0
    assert 60 < backlog.open_in < 99.91  # a tenth of a second before its slot


def test_a_slot_for_a_call_of_its_own_is_the_next_of_all(own, limit):
    limit(calls_per_second=0.01)
    waits = [queues.slot(own, "default").wait for _ in range(3)]
    assert 60 < waits[1] - waits[0] <= 100
    assert 60 < waits[2] - waits[1] <= 100


def test_without_a_limit_there_are_no_slots(own, limit):
    limit()
    assert queues.slot(own, "default") is None
    enqueue_plenty(own, 50)
    assert {c.slot_at for c in claim(own, 50)} == {None}


# -- pause, probe, ramp -----------------------------------------------------------------------------------------------


def test_when_a_pause_ends_one_job_probes_and_nobody_else_is_claimed(own, limit):
    limit()
    enqueue_plenty(own, 20)
    hit_rate_limit(own, claim(own, 2))
    assert claim(own) == []
    let_time_pass(own, 10.1)
    (probe,) = claim(own)
    assert probe.doubtful
    assert claim(own) == []
    assert reads.backlog(own, ["default"], cap=10)[0].claimable == 0


def test_a_probe_that_succeeds_ends_the_pause_and_the_calls_double_each_second(own, limit):
    limit()
    enqueue_plenty(own, 500)
    hit_rate_limit(own, claim(own, 1))
    let_time_pass(own, 10.1)
    (probe,) = claim(own)
    transitions.succeed(own, [probe], ["null"])
    began = time.monotonic()
    assert queues.recover(own, probe)
    assert len(claim(own, 100)) == 1
    let_time_pass(own, 6)
    assert 5 <= len(claim(own, 100)) <= 8 * 2 ** (time.monotonic() - began)  # a tenth of a second's, at 64 a second
    let_time_pass(own, 5)
    assert len(claim(own, 100)) == 100


def test_a_probe_that_is_told_to_wait_pauses_again_and_the_episode_goes_on(own, limit):
    limit()
    enqueue_plenty(own, 5)
    hit_rate_limit(own, claim(own, 1))
    let_time_pass(own, 300)
    hit_rate_limit(own, claim(own))
    let_time_pass(own, 300)
    (pause,) = reads.pauses(own)
    assert not pause.paused
    assert pause.lasts > timedelta(minutes=9, seconds=59)
    assert len(claim(own)) == 1


def test_a_relapse_during_the_ramp_belongs_to_the_same_episode_and_one_after_it_does_not(own, limit):
    limit()
    enqueue_plenty(own, 9)
    hit_rate_limit(own, claim(own, 1))
    let_time_pass(own, 100)
    queues.recover(own, claim(own)[0])
    hit_rate_limit(own, claim(own))
    assert reads.pauses(own)[0].lasts > 99 * SECOND
    let_time_pass(own, 11)
    queues.recover(own, claim(own)[0])
    let_time_pass(own, 11)
    hit_rate_limit(own, claim(own, 1))
    assert reads.pauses(own)[0].lasts < 60 * SECOND


def test_a_probe_whose_worker_died_makes_room_for_another(own, limit):
    limit()
    enqueue_plenty(own, 3)
    hit_rate_limit(own, claim(own, 1))
    let_time_pass(own, 11)
    assert len(claim(own)) == 1
    let_leases_run_out(own)
    transitions.reap(own)
    assert len(claim(own)) == 1


def test_a_job_that_was_under_way_before_cannot_end_the_pause(own, limit):
    limit()
    enqueue_plenty(own, 5)
    early, late = claim(own, 2)
    hit_rate_limit(own, [late])
    assert not queues.recover(own, early)
    let_time_pass(own, 11)
    claim(own)
    assert not queues.recover(own, early)


def test_two_workers_that_claim_at_once_get_one_probe(committing):
    queues.configure(committing, "default", "ledgerly", Limits())
    enqueue_plenty(committing, 5)
    hit_rate_limit(committing, claim(committing, 1))
    let_time_pass(committing, 11)
    with own_connection() as other, other.transaction():
        assert len(claim(other)) == 1
    assert claim(committing) == []


def test_a_person_who_resumes_needs_no_probe(own, limit):
    limit()
    enqueue_plenty(own, 5)
    hit_rate_limit(own, claim(own, 1))
    assert queues.resume(own, "default", by="ann", reason="they called")
    assert not claim(own)[0].doubtful
    assert reads.pauses(own) == []


def test_a_pause_of_a_queue_without_a_vendor_ends_without_a_probe(own):
    enqueue_plenty(own, 5)
    queues.pause(own, "default", duration=SECOND, reason="test", by="ann")
    let_time_pass(own, 2)
    assert len(claim(own)) == 5


def test_the_ramp_takes_as_long_as_the_pause_did(own, limit):
    limit()
    enqueue_plenty(own, 200)
    hit_rate_limit(own, claim(own, 1), wait=5 * SECOND)
    let_time_pass(own, 5.1)
    began = time.monotonic()
    queues.recover(own, claim(own)[0])
    assert len(claim(own, 50)) < 10 * 4 ** (time.monotonic() - began)
    let_time_pass(own, 5.1)
    assert len(claim(own, 100)) == 100


# -- circuit ----------------------------------------------------------------------------------------------------------


def fail(own):
    return queues.trip(own, "default", "ledgerly", CIRCUIT, reason="500", by="w")


def test_so_many_failures_one_after_the_other_pause_the_queue(own, limit):
    limit()
    enqueue_plenty(own, 5)
    assert [fail(own) for _ in range(3)] == [False, False, True]
    assert claim(own) == []
    (pause,) = reads.pauses(own)
    assert (pause.kind, pause.vendor, pause.reason) == (PauseKind.CIRCUIT, "ledgerly", "500")


def test_a_success_in_between_forgets_the_failures(own, limit):
    limit()
    enqueue_plenty(own, 5)
    fail(own), fail(own)
    (claimed,) = claim(own, 1)
    assert claimed.doubtful
    assert queues.recover(own, claimed)
    assert [fail(own), fail(own)] == [False, False]


def test_each_failed_probe_waits_twice_as_long_up_to_the_longest(own, limit):
    limit()
    waits = []
    for _ in range(6):
        while not fail(own):
            pass
        waits.append(told(own, PAUSE))
        let_time_pass(own, 61)
    assert waits == [10, 20, 40, 60, 60, 60]
    assert reads.pauses(own)[0].lasts > timedelta(minutes=5)


def test_a_probe_of_a_rate_limit_that_fails_otherwise_lets_the_next_one_try(own, limit):
    limit()
    enqueue_plenty(own, 5)
    hit_rate_limit(own, claim(own, 1))
    let_time_pass(own, 11)
    (probe,) = claim(own)
    assert not fail(own)
    transitions.retry(own, probe, delay=SECOND, problem=OOPS)
    assert len(claim(own)) == 1
    assert reads.pauses(own)[0].kind is PauseKind.RATE_LIMIT


def test_a_failure_of_an_older_job_takes_nothing_from_the_probe(own, limit):
    limit()
    enqueue_plenty(own, 5)
    hit_rate_limit(own, claim(own, 1))
    let_time_pass(own, 11)
    (probe,) = claim(own)
    assert not fail(own)
    assert claim(own) == []
    assert queues.recover(own, probe)


def test_what_fails_while_the_queue_is_paused_was_under_way_before_and_does_not_count(own, limit):
    limit()
    assert [fail(own) for _ in range(5)] == [False, False, True, False, False]
    let_time_pass(own, 11)
    fail(own)
    assert told(own, PAUSE) == 20


# -- the budget of retries --------------------------------------------------------------------------------------------


def fail_all(own, batch):
    for c in batch:
        transitions.retry(own, c, delay=timedelta(0), problem=OOPS)


def test_retries_are_a_share_of_first_attempts_and_the_excess_waits(own, limit):
    limit(retry_share=0.2, retry_floor=1)
    enqueue_plenty(own, 100)
    fail_all(own, claim(own, 50))
    let_all_be_due(own)
    batch = claim(own, 100)
    assert [c.attempt for c in batch].count(1) == 50
    assert [c.attempt for c in batch].count(2) in (10, 11)  # those that a quiet time has saved
    fail_all(own, [c for c in batch if c.attempt == 1])
    let_all_be_due(own)
    again = len(claim(own, 100))
    assert 9 <= again <= 11  # a fifth of fifty, and no more than ten are ever saved


def test_where_there_are_only_retries_some_go_on(own, limit):
    limit(retry_share=0.2, retry_floor=1)
    enqueue_plenty(own, 30)
    fail_all(own, claim(own, 30))
    let_all_be_due(own)
    began = time.monotonic()
    claim(own, 30)
    let_time_pass(own, 3)
    assert 3 <= len(claim(own, 30)) <= 4 + (time.monotonic() - began)


def test_without_a_budget_retries_are_like_all_others(own, limit):
    limit(retry_share=None)
    enqueue_plenty(own, 50)
    fail_all(own, claim(own, 50))
    let_all_be_due(own)
    assert len(claim(own, 50)) == 50


def test_a_retry_that_the_budget_keeps_waiting_keeps_no_first_attempt_of_its_account_waiting(own, limit):
    limit(account_serial=True, retry_share=0.2, retry_floor=0.001)
    enqueue(own, None, account="a")
    fail_all(own, claim(own))
    (fresh,) = enqueue(own, None, account="a")
    own.execute("UPDATE idempotency_queue SET retry_tokens = 0")
    assert [c.id for c in claim(own)] == [fresh]


# -- accounts ---------------------------------------------------------------------------------------------------------


def test_one_job_of_an_account_at_a_time(own, limit):
    limit(account_serial=True)
    enqueue_plenty(own, 3, account="a")
    enqueue_plenty(own, 3, account="b")
    batch = claim(own)
    assert len({c.account_hash for c in batch}) == len(batch) == 2
    assert claim(own) == []
    transitions.succeed(own, batch[:1], ["null"])
    (free,) = claim(own)
    assert free.account_hash == batch[0].account_hash


def test_an_account_whose_worker_died_is_free_again(own, limit):
    limit(account_serial=True)
    enqueue_plenty(own, 2, account="a")
    assert len(claim(own)) == 1
    let_leases_run_out(own)
    transitions.reap(own)
    assert len(claim(own)) == 1


def test_each_account_has_its_own_limit(own, limit):
    limit(account_calls_per_second=0.01, account_burst=2)
    enqueue_plenty(own, 9, account="a")
    enqueue(own, None, account="b")
    assert [len(claim(own)), len(claim(own)), len(claim(own))] == [2, 1, 0]
    let_time_pass(own, 100)
    assert len(claim(own)) == 1


def test_two_workers_that_claim_at_once_get_no_two_jobs_of_an_account(committing):
    queues.configure(committing, "default", "ledgerly", Limits(account_serial=True))
    enqueue_plenty(committing, 5, account="a")
    with own_connection() as other:
        with other.transaction():
            assert len(claim(other)) == 1
        assert claim(committing) == []


def test_limits_are_written_anew_only_where_they_changed(own, limit):
    limit(calls_per_second=5)
    before = own.execute("SELECT xmin::text, calls_per_second FROM idempotency_queue").fetchone()
    limit(calls_per_second=5)
    assert own.execute("SELECT xmin::text, calls_per_second FROM idempotency_queue").fetchone() == before
