"""One key, one record: whoever asks again is answered by the first, for as long as the task says."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from idempotency import statements, transitions
from idempotency.claims import Seen
from idempotency.errors import PayloadError
from idempotency.models import Record
from jobs import KeyConflict, enqueueing
from tests.app.models import Effect
from tests.app.tasks import Echo, FailTimes, Mark, Task, mark_each_time
from tests.records import OOPS, ask, assert_balanced, by_hand, claim, empty_heap, key_of

pytestmark = pytest.mark.django_db


class KeptForADay(Task):
    dedupe_key = ("name",)
    dedupe_window = timedelta(days=1)

    def run(self, name: str): ...


def finish(result="null", how="succeed"):
    (claimed,) = claim(connection)
    if how == "succeed":
        transitions.succeed(connection, [claimed], [result])
    elif how == "fail":
        transitions.fail(connection, claimed, OOPS)
    return claimed


def grow_older(days):
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE idempotency_record SET finished_at = finished_at - %s, created_at = created_at - %s",
            [timedelta(days=days)] * 2,
        )


def test_a_second_request_is_answered_by_the_first():
    first, second = Mark.enqueue(name="a"), Mark.enqueue(name="a")
    assert (first.created, second.created) == (True, False)
    assert (first.id, first.key) == (second.id, second.key)
    assert Record.objects.count() == 1


def test_the_answer_tells_state_and_result_of_the_first():
    Echo.enqueue(value="a")
    assert Echo.enqueue(value="a").state == "queued"
    (claimed,) = claim(connection)
    assert Echo.enqueue(value="a").state == "processing"
    transitions.succeed(connection, [claimed], ['{"value": "a"}'])
    again = Echo.enqueue(value="a")
    assert (again.created, again.state, again.result) == (False, "succeeded", {"value": "a"})


@pytest.mark.parametrize("ended", ["succeed", "fail"])
def test_by_default_a_key_is_taken_for_ever(ended):
    first = Mark.enqueue(name="a")
    finish(how=ended)
    grow_older(days=40_000 // 365)
    assert Mark.enqueue(name="a").id == first.id


def test_a_shorter_window_frees_the_key_when_it_has_passed():
    first = KeptForADay.enqueue(name="a")
    finish()
    grow_older(days=0.9)
    assert KeptForADay.enqueue(name="a").id == first.id
    grow_older(days=0.2)
    second = KeptForADay.enqueue(name="a")
    assert second.created
    assert second.id != first.id
    assert Record.objects.get(id=first.id).state == "succeeded"
    assert KeptForADay.enqueue(name="a").id == second.id
    assert_balanced(connection)


def test_no_window_frees_the_key_of_work_that_is_not_finished():
    first = KeptForADay.enqueue(name="a")
    Record.objects.update(created_at="2001-01-01T00:00Z")
    assert KeptForADay.enqueue(name="a").id == first.id


def keys_as_written():
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM idempotency_record ORDER BY ctid")
        return [key for (key,) in cursor.fetchall()]


def test_a_statement_writes_its_keys_in_one_order_so_that_no_two_wait_for_each_other():
    empty_heap(connection)
    ask(connection, *"hgfedcba")
    assert keys_as_written() == sorted(map(key_of, "abcdefgh"))


def test_statements_of_one_call_keep_that_order():
    empty_heap(connection)
    count = enqueueing.CHUNK + 200
    Mark.enqueue_many({"name": f"n{number}"} for number in range(count))
    assert keys_as_written() == sorted(keys_as_written())


@pytest.mark.parametrize(("passed", "key_is_kept"), [(timedelta(hours=23), True), (timedelta(hours=25), False)])
def test_a_key_is_freed_only_when_its_window_has_passed(passed, key_is_kept):
    """Whoever read that the window has passed may be late: the statement looks again."""
    old = KeptForADay.enqueue(name="freed")
    finish(how="fail")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE idempotency_record SET finished_at = finished_at - %s", [passed])
    statements.run(connection, "free_key", ids=[old.id], window=KeptForADay.dedupe_window)
    assert (Record.objects.get(id=old.id).key is not None) == key_is_kept


def test_a_pruned_record_still_answers_for_its_key():
    first = Echo.enqueue(value="a")
    finish('{"value": "a"}')
    grow_older(days=100)
    assert transitions.prune(connection, retention=timedelta(days=92)) == 1
    again = Echo.enqueue(value="a")
    assert (again.id, again.created, again.state, again.result) == (first.id, False, "succeeded", None)
    assert_balanced(connection)


def test_the_pruner_takes_only_old_successes():
    FailTimes.enqueue(name="fails", times=1)
    finish(how="fail")
    Mark.enqueue(name="waits")
    grow_older(days=100)
    assert transitions.prune(connection, retention=timedelta(days=92)) == 0
    finish()
    assert transitions.prune(connection, retention=timedelta(days=92)) == 0


def test_a_record_without_a_key_is_pruned_without_trace_and_the_books_balance():
    mark_each_time.enqueue(name="a")
    finish()
    grow_older(days=100)
    assert transitions.prune(connection, retention=timedelta(days=92)) == 1
    assert not Record.objects.exists()
    assert_balanced(connection)


def test_the_same_key_with_another_payload_is_a_conflict_and_the_transaction_lives():
    first = FailTimes.enqueue(name="a", times=1)
    with transaction.atomic():
        Effect.objects.create(name="before")
        with pytest.raises(KeyConflict, match=r"another payload.*dedupe_key") as conflict:
            FailTimes.enqueue(name="a", times=2)
        Effect.objects.create(name="after")
    assert conflict.value.record_id == first.id
    assert Effect.objects.count() == 2
    assert Record.objects.get().payload == {"name": "a", "times": 1}


@pytest.mark.django_db(transaction=True)
def test_rows_around_a_conflict_are_committed():
    FailTimes.enqueue(name="a", times=1)
    with transaction.atomic():
        Effect.objects.create(name="before")
        with pytest.raises(KeyConflict):
            FailTimes.enqueue(name="a", times=2)
        Effect.objects.create(name="after")
    connection.close()
    assert sorted(Effect.objects.values_list("name", flat=True)) == ["after", "before"]


@pytest.mark.django_db(transaction=True)
def test_a_record_goes_with_the_callers_transaction():
    with transaction.atomic():
        assert Mark.enqueue(name="a").created
        transaction.set_rollback(True)
    assert not Record.objects.exists()
    assert_balanced(connection)
    assert Mark.enqueue(name="a").created


def test_many_are_written_all_or_none():
    FailTimes.enqueue(name="n1499", times=9)
    with pytest.raises(KeyConflict):
        FailTimes.enqueue_many({"name": f"n{i}", "times": 1} for i in range(1500))
    assert Record.objects.count() == 1
    assert_balanced(connection)


def test_many_are_answered_one_by_one_in_their_order():
    known = Mark.enqueue(name="n3")
    answers = Mark.enqueue_many([{"name": f"n{i}"} for i in (5, 3, 1, 5, 4, 3)])
    assert [a.created for a in answers] == [True, False, True, False, True, False]
    assert answers[1].id == answers[5].id == known.id
    assert answers[0].id == answers[3].id
    names = dict(Record.objects.values_list("id", "payload__name"))
    assert [names[a.id] for a in answers] == ["n5", "n3", "n1", "n5", "n4", "n3"]


def test_many_of_many_statements_are_answered_in_their_order_by_whoever_holds_their_keys():
    known = Mark.enqueue(name="n1700")
    finish()
    asked = [f"n{number}" for number in (*range(2400), 1700, 3, 2399)]
    answers = Mark.enqueue_many({"name": name} for name in asked)
    assert Record.objects.count() == 2400
    assert answers[1700] == answers[2400]
    assert (answers[1700].id, answers[1700].state, answers[1700].created) == (known.id, "succeeded", False)
    assert (answers[2401].id, answers[2401].created) == (answers[3].id, False)
    names = dict(Record.objects.values_list("id", "payload__name"))
    assert [names[a.id] for a in answers] == asked
    keys = dict(Record.objects.values_list("id", "key"))
    assert [a.key for a in answers] == [keys[a.id] for a in answers]
    assert_balanced(connection)


def test_payloads_may_be_read_from_the_database_while_they_are_asked_for():
    mark_each_time.enqueue_many({"name": f"n{number}"} for number in range(1500))
    answers = mark_each_time.enqueue_many({"name": str(id_)} for (id_,) in Record.objects.values_list("id").iterator())
    assert len({a.id for a in answers}) == 1500
    assert all(a.created for a in answers[1400:])
    assert Record.objects.count() == 3000
    assert_balanced(connection)


def test_what_is_wrong_with_the_last_of_many_undoes_those_that_were_written_and_nothing_else():
    with transaction.atomic():
        Effect.objects.create(name="before")
        with pytest.raises(PayloadError, match="which is not JSON"):
            mark_each_time.enqueue_many({"name": "a" if number < 2500 else object()} for number in range(2501))
        Effect.objects.create(name="after")
    assert Effect.objects.count() == 2
    assert not Record.objects.exists()
    assert_balanced(connection)


def test_a_conflict_inside_one_call_writes_nothing():
    with pytest.raises(KeyConflict):
        FailTimes.enqueue_many([{"name": "a", "times": 1}, {"name": "a", "times": 2}])
    assert not Record.objects.exists()


def test_nothing_asked_for_is_nothing_written():
    assert Mark.enqueue_many([]) == []
    assert_balanced(connection)


def test_a_replayed_job_keeps_its_key():
    first = FailTimes.enqueue(name="a", times=1)
    claimed = finish(how="fail")
    assert transitions.replay(connection, [Seen(first.id, claimed.fencing_token)])
    assert FailTimes.enqueue(name="a", times=1).id == first.id


def test_a_replay_does_not_run_beside_a_newer_job_of_its_freed_key():
    old = KeptForADay.enqueue(name="freed")
    finish(how="fail")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE idempotency_record SET finished_at = finished_at - interval '2 days'")
    newer = KeptForADay.enqueue(name="freed")
    assert newer.created
    assert not transitions.replay(connection, [Seen(old.id, 1)])
    by_hand(connection, "DELETE FROM idempotency_record WHERE id = %s", newer.id)
    assert transitions.replay(connection, [Seen(old.id, 1)])
    assert KeptForADay.enqueue(name="freed").id == old.id, "the replayed job holds its key again"
