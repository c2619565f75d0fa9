"""One job's page tells how long each attempt waited and ran."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from idempotency import transitions
from idempotency.models import Attempt, Record
from jobs.admin.job_page import Eyes, timeline
from tests.app.tasks import Echo
from tests.records import OOPS
from tests.review import take

COMMENT = "INSERT INTO jobs_decision (at, by, action, why, record_id) VALUES (%s, 'ann', 'comment', 'still?', %s)"


def ago(minutes: int):
    return timezone.now() - timedelta(minutes=minutes)


def told(id_) -> list[tuple]:
    """Title, minutes waited and minutes run of each event."""
    record = Record.objects.get(id=id_)
    events = timeline(record, Eyes(record))
    return [
        (e.title, *(None if s is None else round(s / timedelta(minutes=1)) for s in (e.waited, e.ran))) for e in events
    ]


@pytest.mark.django_db
def test_an_attempt_that_succeeds_tells_how_long_it_waited_since_the_one_before():
    job = Echo.enqueue(value=1)
    transitions.retry(connection, take(job), delay=timedelta(0), problem=OOPS)
    second = take(job)
    Attempt.objects.update(started_at=ago(55), finished_at=ago(50))
    Record.objects.filter(id=job.id).update(created_at=ago(60), started_at=ago(40))
    with connection.cursor() as cursor:
        cursor.execute(COMMENT, [ago(45), job.id])
    before = [("enqueued", None, None), ("attempt 1 failed", 5, 5), ("commented", None, None)]
    assert told(job.id) == [*before, ("attempt 2 is running", 10, None)]
    transitions.succeed(connection, [second], ["1"])
    Record.objects.filter(id=job.id).update(finished_at=ago(15))
    assert told(job.id) == [*before, ("attempt 2 succeeded", 10, 25)]
