"""Many callers at once: one record per key, whoever wins, and nobody's transaction is harmed."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from idempotency.models import Record
from jobs import EnqueueBusy
from tests.app.models import Effect
from tests.app.tasks import Mark
from tests.records import assert_balanced

THREADS = 20
pytestmark = pytest.mark.usefixtures("transactional_db", "broker")


def at_once(work, count=THREADS):
    """Run `work(number, everybody)` in as many threads, each with a connection of its own; returns what they return."""
    everybody = Barrier(count, timeout=120)

    def one(number):
        try:
            return work(number, everybody)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_twenty_callers_of_one_key_make_one_record_and_all_hold_it():
    def caller(number, everybody):
        with transaction.atomic():
            Effect.objects.create(name=f"before {number}")
            everybody.wait()
            job = Mark.enqueue(name="the same")
            Effect.objects.create(name=f"after {number}")
        return job

    jobs = at_once(caller)
    assert len({job.id for job in jobs}) == 1
    assert sum(job.created for job in jobs) == 1
    assert Record.objects.count() == 1
    assert Effect.objects.count() == 2 * THREADS, "no transaction was aborted"
    assert_balanced(connection)


def test_when_the_first_caller_rolls_back_another_ones_record_takes_the_key():
    def caller(number, everybody):
        with transaction.atomic():
            if number:
                everybody.wait()
            job = Mark.enqueue(name="the same")
            if not number:
                everybody.wait()
                transaction.set_rollback(True)
        return job

    first, *others = at_once(caller)
    assert first.created
    assert len({job.id for job in others}) == 1
    assert sum(job.created for job in others) == 1
    assert Record.objects.get().id == others[0].id
    assert first.id != others[0].id
    assert_balanced(connection)


def test_who_waits_too_long_for_another_callers_transaction_is_told_so_and_may_go_on():
    def caller(number, everybody):
        with transaction.atomic():
            if not number:
                Mark.enqueue(name="the same")
            everybody.wait()
            if number:
                be_told_that_it_is_busy()
            everybody.wait()

    at_once(caller, 2)
    assert Effect.objects.get().name == "of a caller that went on"
    assert Record.objects.count() == 1


def be_told_that_it_is_busy():
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '50ms'")
    with pytest.raises(EnqueueBusy, match="Repeat this transaction"), transaction.atomic():
        Mark.enqueue(name="the same")
    Effect.objects.create(name="of a caller that went on")


@pytest.mark.parametrize("count", [200, 2500])
def test_callers_with_the_same_keys_in_opposite_orders_do_not_deadlock(count):
    def caller(number, everybody):
        names = range(count) if number % 2 else reversed(range(count))
        everybody.wait()
        return Mark.enqueue_many({"name": f"n{name}"} for name in names)

    answers = at_once(caller, 4)
    assert sum(job.created for jobs in answers for job in jobs) == count
    assert Record.objects.count() == count
    assert_balanced(connection)
