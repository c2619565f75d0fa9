"""A queue with a bound refuses what is too much, in the caller and before anything is written."""

import json
import os
import pickle
import threading
import time
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from idempotency import transitions
from idempotency.models import Record
from jobs import EnqueueError, QueueFull, UnknownQueueError, in_chunks, room, room_for
from tests.app.followed import Narrow
from tests.app.models import Effect
from tests.app.tasks import mark_each_time
from tests.records import OOPS, by_hand, claim, enqueue_plenty

pytestmark = pytest.mark.django_db

BOUND = 10
each_time = mark_each_time.using(queue="narrow")


@pytest.fixture(autouse=True)
def _alone(monkeypatch):
    """Nothing is known of a test before, and on a slow machine a look holds no less long, a refusal no longer."""
    room.forget()
    monkeypatch.setattr(room, "SPAN", 3600)
    monkeypatch.setattr(room, "CHEAP", 3600)


@pytest.fixture
def bound(settings):
    """Sets the bound of the queue `narrow`."""

    def set_to(bound, **options):
        settings.JOBS_QUEUES = {**settings.JOBS_QUEUES, "narrow": {"bound": bound, **options}}

    return set_to


def names(*numbers):
    return [{"name": f"n{number}"} for number in numbers]


def fill(count=BOUND):
    return Narrow.enqueue_many(names(*range(count)))


def looks(captured):
    return sum("waiting" in query["sql"] for query in captured)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: Narrow.enqueue(name="one more"),
        lambda: Narrow.enqueue_many(names("more")),
        lambda: Narrow.delay(name="one more"),
        lambda: Narrow.apply_async(kwargs={"name": "one more"}, countdown=60),
        lambda: each_time.enqueue(name="one more"),
    ],
)
def test_a_full_queue_refuses_one_more_and_the_transaction_lives(ask):
    fill()
    with pytest.raises(
        QueueFull, match=r"narrow holds 10 of at most 10 jobs, 1 more .*JOBS_QUEUES\['narrow'\]"
    ) as told:
        ask()
    assert isinstance(told.value, EnqueueError)
    assert Record.objects.count() == BOUND
    Effect.objects.create(name="the transaction lives")


def test_many_are_refused_together_or_not_at_all():
    fill(8)
    with pytest.raises(QueueFull) as told:
        Narrow.enqueue_many(names("a", "b", "c"))
    assert (told.value.backlog, told.value.asked) == (8, 3)
    assert Record.objects.count() == 8
    Narrow.enqueue_many(names("a", "b"))
    assert Record.objects.count() == BOUND


def test_one_process_alone_fills_a_queue_to_the_last_job(bound):
    bound(1000)
    with CaptureQueriesContext(connection) as captured:
        for number in range(1000):
            each_time.enqueue(name=str(number))
        with pytest.raises(QueueFull):
            each_time.enqueue(name="one more")
    assert Record.objects.count() == 1000
    assert looks(captured) <= 12, "half of the room each time"


def test_the_error_can_be_sent_to_another_process_and_written_as_json():
    error = QueueFull("narrow", 10, 11, 3, 7)
    assert pickle.loads(pickle.dumps(error)).numbers == error.numbers
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert json.loads(json.dumps(error.numbers)) == {
        "queue": "narrow", "bound": 10, "backlog": 11, "asked": 3, "retry_after": 7,
    }  # fmt: skip


# -- what is answered although the queue is full ----------------------------------------------------------------------


def test_a_full_queue_still_answers_for_what_it_holds():
    first, *_ = fill()
    again = Narrow.enqueue(name="n0")
    assert (again.id, again.created) == (first.id, False)
    assert [a.created for a in Narrow.enqueue_many(names(0, 1, 2))] == [False] * 3
    with pytest.raises(QueueFull) as told:
        Narrow.enqueue_many(names(0, 1, "new", "new"))
    assert told.value.asked == 1


def test_what_is_new_among_many_known_ones_is_taken_while_it_fits():
    fill(8)
    assert sum(a.created for a in Narrow.enqueue_many(names(*range(10)))) == 2


def test_a_canvas_whose_record_is_there_is_answered_again():
    fill(9)
    id_ = each_time.enqueue(name="with an id").id
    assert mark_each_time.apply_async(("with an id",), task_id=str(id_), queue="narrow").id == str(id_)


def test_a_key_whose_window_has_passed_is_a_new_job(monkeypatch):
    fill()
    transitions.succeed(connection, claim(connection, 1, queue="narrow"), ["null"])
    each_time.enqueue(name="in its place")
    (key,) = Record.objects.filter(state="succeeded").values_list("payload", flat=True)
    assert not Narrow.enqueue(**key).created
    monkeypatch.setattr(Narrow, "dedupe_window", timedelta(0))
    with pytest.raises(QueueFull):
        Narrow.enqueue(**key)


# -- what counts ------------------------------------------------------------------------------------------------------


def test_what_waits_for_its_time_counts_and_what_runs_has_ended_or_is_parked_does_not():
    fill(4)
    first, second, third, fourth = claim(connection, queue="narrow")
    transitions.succeed(connection, [first], ["null"])
    transitions.give_back(connection, [third], parked_reason="no worker knows it")
    Narrow.using(delay=timedelta(days=1)).enqueue_many(names(*"abcdefghi"))
    transitions.retry(connection, second, delay=timedelta(hours=1), problem=OOPS)
    with pytest.raises(QueueFull) as told:
        Narrow.enqueue(name="one more")
    assert told.value.backlog == BOUND
    assert fourth.id in Record.objects.filter(state="processing").values_list("id", flat=True)


def test_a_backlog_beyond_the_bound_is_told_up_to_a_tenth(bound):
    bound(100)
    fill(100)
    bound(80)
    with pytest.raises(QueueFull) as told:
        Narrow.enqueue(name="one more")
    assert told.value.backlog == 89


def test_a_queue_without_a_bound_is_not_looked_at(bound):
    bound(None)
    with CaptureQueriesContext(connection) as captured:
        fill()
    assert looks(captured) == 0


def test_a_critical_queue_refuses_nothing(bound):
    bound(1, criticality="critical")
    assert len(fill()) == BOUND


# -- looks ------------------------------------------------------------------------------------------------------------


def test_a_process_that_saw_much_room_does_not_look_again(bound):
    bound(1000)
    with CaptureQueriesContext(connection) as captured:
        fill(100)
    assert looks(captured) == 1
    with CaptureQueriesContext(connection) as captured:
        Narrow.enqueue(name="one more")
    assert looks(captured) == 0
    assert len(captured) == 1


def test_of_the_room_that_a_process_saw_it_takes_half_while_others_fill_the_queue(bound):
    bound(100)
    each_time.enqueue(name="a look that sees room for a hundred")
    enqueue_plenty(connection, 95, queue="narrow")
    written = 1
    with suppress(QueueFull):
        while written < 100:
            each_time.enqueue(name="more")
            written += 1
    assert 4 < written <= 50


def test_a_look_holds_for_a_span_and_then_no_longer(bound, monkeypatch):
    bound(1000)
    monkeypatch.setattr(room, "SPAN", 0)
    monkeypatch.setattr(room, "SHARE", 0)
    with CaptureQueriesContext(connection) as captured:
        for number in range(3):
            Narrow.enqueue(name=str(number))
    assert looks(captured) == 3


def test_who_was_refused_after_a_long_look_is_refused_again_without_one(monkeypatch):
    monkeypatch.setattr(room, "CHEAP", 0)
    monkeypatch.setattr(room, "SHARE", 1e9)
    fill()
    with CaptureQueriesContext(connection) as captured:
        for number in range(3):
            with pytest.raises(QueueFull):
                each_time.enqueue(name=str(number))
    assert looks(captured) <= 1


def test_a_fork_begins_with_a_look_of_its_own():
    fill(1)
    assert room._looks
    if not (child := os.fork()):
        os._exit(len(room._looks))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# -- when to come again -----------------------------------------------------------------------------------------------


def refused(asked=1):
    with pytest.raises(QueueFull) as told:
        each_time.enqueue_many({"name": "more"} for _ in range(asked))
    return told.value


def work(jobs, seconds):
    """As if workers had held so many jobs for so long, on average."""
    claim(connection, jobs, queue="narrow")
    by_hand(
        connection,
        "UPDATE idempotency_record SET started_at = statement_timestamp() - %s * interval '1 second' "
        "WHERE state = 'processing'",
        seconds,
    )
    Narrow.enqueue_many(names(*(f"instead {i}" for i in range(jobs))))


def test_who_is_refused_is_told_when_there_should_be_room():
    fill()
    work(4, seconds=20)  # met half way: forty seconds each, so one in ten; a busy machine adds to the twenty
    assert 10 <= refused(1).retry_after < 20
    assert 50 <= refused(5).retry_after < 100


@pytest.mark.parametrize(("jobs", "seconds", "told"), [(10, 0.001, room.SOONEST), (1, 9000, room.LATEST)])
def test_nobody_is_told_to_come_at_once_or_hours_later(jobs, seconds, told):
    fill()
    work(jobs, seconds)
    assert refused().retry_after == told


def test_a_queue_that_nobody_works_on_has_no_time_to_tell():
    fill()
    assert refused().retry_after == room.IDLE


def test_so_many_jobs_as_never_fit_are_told_so():
    error = refused(BOUND + 1)
    assert error.retry_after is None
    assert "11 jobs at once never fit into queue narrow, which holds at most 10. Enqueue them in chunks" in str(error)


# -- room beforehand --------------------------------------------------------------------------------------------------


def test_who_asks_for_room_is_refused_before_the_work_begins():
    fill(8)
    began = False
    with pytest.raises(QueueFull), room_for("narrow", 3):
        began = True
    assert not began


def test_who_got_room_is_not_refused_when_the_work_is_done():
    with room_for("narrow", 3):
        each_time.enqueue_many({"name": "somebody else's"} for _ in range(BOUND))  # more than was promised
        Narrow.enqueue_many(names(1, 2))
        Narrow.enqueue(name="n3")
        with pytest.raises(QueueFull):
            Narrow.enqueue(name="one more than asked for")
    assert Record.objects.count() == BOUND + 3


def test_promised_room_is_of_one_queue_and_ends_with_the_block():
    fill(9)
    with room_for("default", 5), room_for("narrow", 1):
        pass
    each_time.enqueue(name="the last")
    with room_for("default", 5), pytest.raises(QueueFull):
        Narrow.enqueue(name="one more")


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_room_gets_it_when_a_worker_has_made_some():
    fill()
    worker = threading.Timer(0.3, drain, (4,))
    worker.start()
    with room_for("narrow", 4, timeout=timedelta(seconds=30)):
        worker.join()
        assert len(Narrow.enqueue_many(names(*"abcd"))) == 4


def drain(count):
    claim(connection, count, queue="narrow")
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_who_waits_for_room_does_not_wait_for_ever():
    fill()
    began = time.monotonic()
    with pytest.raises(QueueFull), room_for("narrow", 1, timeout=timedelta(seconds=0.3)):
        pass
    assert time.monotonic() - began >= 0.3


def test_nobody_waits_inside_a_transaction():
    fill()
    with pytest.raises(EnqueueError, match="Leave the atomic block"), transaction.atomic():
        next(in_chunks("narrow", names("a"), timeout=timedelta(hours=1)))


@pytest.mark.django_db(transaction=True)
def test_a_producer_goes_on_in_chunks_as_fast_as_its_jobs_are_worked_off():
    most = 0
    for chunk in in_chunks("narrow", (n for n in names(*range(43))), timeout=timedelta(seconds=30), size=4):
        Narrow.enqueue_many(chunk)
        most = max(most, Record.objects.filter(state="queued").count())
        if most > 6:
            claim(connection, 5, queue="narrow")
    assert Record.objects.count() == 43
    assert 6 < most <= BOUND


@pytest.mark.parametrize(("size", "chunks"), [(2, [2, 2, 2, 1]), (1000, [5, 2])])
def test_chunks_are_as_asked_for_and_at_most_half_of_the_bound(size, chunks):
    found = [len(chunk) for chunk in in_chunks("narrow", range(7), timeout=timedelta(0), size=size)]
    assert found == chunks


def test_payloads_are_read_when_their_chunk_comes():
    payloads = iter(range(100))
    next(in_chunks("narrow", payloads, timeout=timedelta(0), size=3))
    assert next(payloads) == 3


def test_a_loop_that_is_left_keeps_no_promise():
    for chunk in in_chunks("narrow", range(20), timeout=timedelta(0), size=5):
        assert len(chunk) == 5
        break
    del chunk
    fill()
    with pytest.raises(QueueFull):
        Narrow.enqueue(name="one more")


@pytest.mark.parametrize(
    "ask", [room_for("nowhere", 1).__enter__, in_chunks("nowhere", [], timeout=timedelta(0)).__next__]
)
def test_a_queue_that_nobody_declared_has_no_room(ask):
    with pytest.raises(UnknownQueueError, match="'nowhere' is not in JOBS_QUEUES"):
        ask()
