"""What a step or a checkpoint keeps belongs to the claim that holds the record."""

from datetime import timedelta

import pytest

from idempotency import steps, transitions
from idempotency.errors import LeaseLost
from idempotency.keys import digest
from jobs.context import Job
from tests.records import OOPS, claim, enqueue

INPUT = digest(b"arguments")


def keep(own, claimed, result):
    return steps.keep_step(own, claimed, "charge", input=INPUT, result=result)


def claimed_twice(own):
    """The record in the hands of an attempt that is over, and of the one that holds it."""
    enqueue(own, None)
    (first,) = claim(own)
    transitions.retry(own, first, delay=timedelta(0), problem=OOPS)
    (second,) = claim(own)
    return first, second


def test_a_step_is_kept_and_found_again(own):
    enqueue(own, None)
    (claimed,) = claim(own)
    assert steps.find_step(own, claimed, "charge") is None
    assert keep(own, claimed, '{"id": 7}').result == {"id": 7}
    assert steps.find_step(own, claimed, "charge").input == INPUT


def test_of_two_results_of_one_step_the_first_is_adopted(own):
    first, second = claimed_twice(own)
    keep(own, second, '"the holder\'s"')
    assert keep(own, second, '"a later one"').result == "the holder's"
    assert first.id == second.id


def test_a_worker_that_lost_the_record_cannot_keep_a_step(own):
    zombie, holder = claimed_twice(own)
    with pytest.raises(LeaseLost):
        keep(own, zombie, '"late"')
    assert steps.find_step(own, holder, "charge") is None


def test_a_worker_that_lost_the_record_cannot_move_its_cursor(own):
    zombie, holder = claimed_twice(own)
    steps.keep_progress(own, holder, cursor="5")
    with pytest.raises(LeaseLost):
        steps.keep_progress(own, zombie, cursor="1")
    assert steps.find_cursor(own, holder) == 5


def test_progress_and_cursor_do_not_overwrite_each_other(own):
    enqueue(own, None)
    (claimed,) = claim(own)
    steps.keep_progress(own, claimed, cursor='{"row": 10}')
    steps.keep_progress(own, claimed, done=10, total=40)
    assert steps.find_cursor(own, claimed) == {"row": 10}


def test_the_vendors_key_is_the_same_in_every_attempt(own):
    first, second = (Job(claimed, settler=None) for claimed in claimed_twice(own))
    assert first.attempt != second.attempt
    assert (first.idempotency_key, first.step_key("charge")) == (second.idempotency_key, second.step_key("charge"))
