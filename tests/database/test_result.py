"""`JobResult`: Celery's handle, answered by the record."""

from threading import Thread
from uuid import uuid4

import pytest
from celery.exceptions import TimeoutError as ResultTimeoutError
from django.db import connection

from idempotency import transitions
from idempotency.models import Record
from jobs import JobFailedError, JobResult
from tests.app.tasks import Echo, Mark, mark_each_time
from tests.records import OOPS, claim

pytestmark = pytest.mark.django_db


def test_a_handle_tells_each_state():
    result = Echo().delay(value="a")
    assert (result.state, result.ready(), result.successful(), result.result) == ("queued", False, False, None)
    (claimed,) = claim(connection)
    assert (result.state, result.ready()) == ("processing", False)
    transitions.succeed(connection, [claimed], ['{"value": "a"}'])
    assert (result.state, result.ready(), result.successful(), result.failed()) == ("succeeded", True, True, False)
    assert result.get(timeout=0) == result.result == {"value": "a"}


def test_a_job_that_was_given_up_raises_what_went_wrong():
    result = mark_each_time.delay(name="a")
    transitions.fail(connection, claim(connection)[0], OOPS)
    assert (result.state, result.ready(), result.failed()) == ("failed_permanent", True, True)
    with pytest.raises(JobFailedError, match=r"failed_permanent \(permanent\): ValueError: oops"):
        result.get()


def test_waiting_ends_at_the_timeout():
    result = Mark().apply_async(("a",))
    with pytest.raises(ResultTimeoutError, match=r"is queued after 0\.05 s"):
        result.get(timeout=0.05)


def test_a_job_that_nobody_knows_has_no_state():
    result = JobResult(str(uuid4()))
    assert (result.state, result.ready(), result.result) == ("unknown", False, None)
    with pytest.raises(ResultTimeoutError):
        result.get(timeout=0)


def test_a_duplicate_is_handed_the_first_ones_result():
    assert Mark().delay(name="a").id == Mark().delay(name="a").id


def test_celerys_options_reach_the_record():
    result = Mark().apply_async(kwargs={"name": "a"}, countdown=60, queue="critical", task_id=str(uuid4()))
    record = Record.objects.get()
    assert (str(record.id), record.queue) == (result.id, "critical")
    assert 59 < (record.available_at - record.created_at).total_seconds() < 61


@pytest.mark.django_db(transaction=True)
def test_waiting_ends_when_the_job_does():
    result = Mark().delay(name="a")

    def work():
        try:
            transitions.succeed(connection, claim(connection), ["42"])
        finally:
            connection.close()

    worker = Thread(target=work)
    worker.start()
    assert result.get(timeout=120) == 42
    worker.join()
