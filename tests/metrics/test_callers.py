"""What callers measure and people decide is told, each exactly once, and costs no enqueue a statement."""

import subprocess
import sys

import pytest
from django.db import connection, transaction

from idempotency.claims import Seen
from jobs.metrics import callers, measuring, reading
from jobs.metrics.callers import DUPLICATES, RESOLVED
from jobs.review import correcting, decisions
from tests.app.tasks import Letter, Mark
from tests.processes import ROOT
from tests.records import own_connection
from tests.review import given_up

ENQUEUE_AND_END = """
import django
django.setup()
from tests.app.tasks import Mark
for _ in range(3):
    Mark.enqueue(name="n")
"""
FORK_AND_END = """
import os
if os.fork() == 0:
    raise SystemExit
os.wait()
"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_measured():
    measuring.here.take()


@pytest.fixture
def a_minute_later(monkeypatch):
    monkeypatch.setattr(callers, "_told", callers._told - callers.EVERY)


def told(name, *labels):
    with own_connection() as own:
        return sum(t.sums.count for t in reading.ever(own) if (t.metric, t.labels) == (name, labels))


def test_what_a_record_answers_is_counted_whoever_asks_and_however(broker, a_minute_later):
    Mark.enqueue_many({"name": f"n{n}"} for n in range(3))
    Mark.enqueue(name="n0")
    Mark.enqueue_many({"name": f"n{n}"} for n in (1, 2, 2, 4))
    callers.tell()
    assert told(DUPLICATES, "default") == 4


def test_who_enqueues_tells_once_a_minute(broker, a_minute_later):
    Mark.enqueue(name="n")
    assert told("messaging_client_sent_messages_total", "default", "") == 1
    Mark.enqueue(name="n")
    assert told(DUPLICATES, "default") == 0
    callers._told -= callers.EVERY
    Mark.enqueue(name="n")
    assert told(DUPLICATES, "default") == 2


def test_nothing_is_told_before_the_callers_transaction_has_ended(broker, a_minute_later):
    with transaction.atomic():
        Mark.enqueue_many([{"name": "n"}, {"name": "n"}])
        assert measuring.here.entries
    assert told(DUPLICATES, "default") == 1


def test_a_question_that_djangos_log_counts_is_none_of_it(broker, a_minute_later, django_assert_num_queries):
    Mark.enqueue(name="n")
    callers._told -= callers.EVERY
    with django_assert_num_queries(2):  # to write it, and to find who holds the key
        Mark.enqueue(name="n")
    assert told(DUPLICATES, "default") == 1


@pytest.mark.parametrize("forks", [False, True])
def test_a_program_that_ends_tells_what_it_has_not_told_and_its_forks_nothing(environment, forks):
    script = ENQUEUE_AND_END + FORK_AND_END * forks
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert told(DUPLICATES, "default") == 2


def test_where_the_database_does_not_take_it_it_is_told_later(broker, a_minute_later):
    Mark.enqueue(name="n")
    callers._told -= callers.EVERY
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE jobs_measure RENAME TO away")
        try:
            Mark.enqueue(name="n")
        finally:
            cursor.execute("ALTER TABLE away RENAME TO jobs_measure")
    callers.tell()
    assert told(DUPLICATES, "default") == 1


def test_what_people_decide_is_counted_once_it_is_committed(broker):
    records = [given_up(Mark, name=f"n{n}") for n in range(3)]
    seen = [Seen(r.id, r.fencing_token) for r in records]
    decisions.replay(seen[:2], by="ann", why="w")
    decisions.replay(seen[:2], by="ben", why="too late")
    decisions.discard(seen[2:], by="ann", why="w")
    wrong = given_up(Letter, name="one", text="Mian Street", password="p")
    payload = wrong.payload | {"text": "Main Street"}
    with transaction.atomic():
        correcting.correct(Seen(wrong.id, wrong.fencing_token), payload, by="ann", why="w")
        assert told(RESOLVED, wrong.queue, "corrected") == 0
    found = {how: told(RESOLVED, "default", how) for how in ("replayed", "discarded")}
    assert found == {"replayed": 2, "discarded": 1}
    assert told(RESOLVED, wrong.queue, "corrected") == 1
