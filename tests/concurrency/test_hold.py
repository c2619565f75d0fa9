"""A queue that holds back what is too much: every job is accepted, and the relay lets the oldest in as room comes."""

from datetime import timedelta

import pytest
from django.db import connection

from idempotency import reads, transitions
from idempotency.models import Record
from jobs import room, why
from jobs.relay import Relay
from jobs.releases import Releases
from tests.app.tasks import Mark
from tests.processes import wait_until
from tests.records import ask, assert_balanced, claim

QUEUE, BOUND = "holding", 10
mark = Mark.using(queue=QUEUE)


@pytest.fixture(autouse=True)
def _alone(transactional_db, broker):
    room.forget()


@pytest.fixture
def relay():
    relay = Relay()
    relay._releases.due = _always(relay._releases)
    yield relay
    relay.close()


def _always(releases: Releases):
    """A slow machine's looks are long, and the relay would rest after them."""
    due = releases.due

    def at_once(own, queues):
        releases._rests_until.clear()
        return due(own, queues)

    return at_once


def enqueue(*numbers, using=mark):
    for number in numbers:
        using.enqueue(name=f"n{number}")


def held():
    return list(Record.objects.filter(held=True).order_by("created_at").values_list("payload__name", flat=True))


def claimed(count=100):
    return [c.payload["name"] for c in claim(connection, count, queue=QUEUE)]


def test_a_full_queue_accepts_and_holds_back_what_is_too_much(relay):
    enqueue(*range(13))
    assert held() == ["n10", "n11", "n12"]
    assert relay.tick().released == 0
    assert len(claimed()) == BOUND
    assert claimed() == []
    assert_balanced(connection)


def test_no_hint_is_sent_for_what_is_held():
    assert [found.claimable for held in (False, True) for found in ask(connection, None, queue=QUEUE, held=held)] == [
        True,
        False,
    ]


def test_the_relay_lets_the_oldest_in_while_there_is_room(relay):
    enqueue(*range(15))
    claimed(2)
    assert relay.tick().released == 2
    assert held() == ["n12", "n13", "n14"]
    assert reads.waiting(connection, QUEUE, cap=100) == (BOUND, 3)
    claimed()
    assert relay.tick().released == 3
    assert len(claimed()) == 3


def test_nobody_who_comes_later_overtakes_those_that_are_held(relay):
    enqueue(*range(12))
    claimed(2)
    room.forget()
    enqueue("later")
    assert held() == ["n10", "n11", "nlater"]
    assert relay.tick().released == 2
    assert held() == ["nlater"]


def test_many_are_held_together_and_let_in_one_after_the_other(relay):
    answers = mark.enqueue_many({"name": f"n{number}"} for number in range(25))
    assert all(answer.created for answer in answers)
    assert len(held()) == 25
    came = []
    while relay.tick().released:
        came.append(len(claimed()))
    assert came == [10, 10, 5]


def test_what_is_held_answers_for_its_key():
    enqueue(*range(11))
    again = mark.enqueue(name="n10")
    assert (again.created, Record.objects.count()) == (False, 11)


def test_what_is_held_and_not_due_waits_for_its_time_when_it_is_let_in(relay):
    enqueue(*range(10))
    enqueue("later", using=Mark.using(queue=QUEUE, delay=timedelta(hours=1)))
    assert len(claimed()) == 10
    assert relay.tick().released == 1
    assert claimed() == []
    assert not held()


@pytest.mark.parametrize("options", [{}, {"bound": 12}, {"bound": 12, "when_full": "refuse"}])
def test_what_is_held_is_let_in_although_the_queue_is_declared_anew(relay, settings, options):
    enqueue(*range(12))
    settings.JOBS_QUEUES = {**settings.JOBS_QUEUES, QUEUE: options}
    assert relay.tick().released == 2
    assert len(claimed()) == 12


def test_what_is_held_can_be_cancelled():
    enqueue(*range(11))
    (record,) = Record.objects.filter(held=True)
    assert transitions.cancel(connection, record.id, token=record.fencing_token, why="not needed")
    assert not held()


def test_people_are_told_what_is_held():
    enqueue(*range(11))
    (depth,) = reads.depths(connection, [QUEUE])
    assert (depth.claimable, depth.waiting, depth.held) == (10, 0, 1)
    _, sentence = why.explain(connection, Record.objects.get(held=True).id)
    assert sentence.startswith("It is held back: queue holding takes 10 at a time. The relay lets it in")


def test_everything_that_was_held_is_done_in_the_end(spawn_worker, spawn_relay):
    mark.enqueue_many({"name": f"n{number}"} for number in range(35))
    assert len(held()) == 35
    spawn_worker(QUEUE)
    spawn_relay()
    wait_until(lambda: Record.objects.filter(state="succeeded").count() == 35, 30)
    assert_balanced(connection)
