"""The rule for a vendor's errors: a time-out is worth 8 retries, a refusal none. All processes are real."""

from itertools import pairwise
from statistics import mean

import pytest

from idempotency.models import Attempt, Record
from tests.app.calling import RULE, Call
from tests.processes import wait_until
from tests.vendors.script import NEVER, Answer, Phase
from tests.vendors.vendor import start_vendor

JOBS = 8  # and as many processes, so that a job waits for its policy alone
RETRIES = 8


@pytest.fixture
def vendor(programs):
    vendor = start_vendor(programs)
    yield vendor
    vendor.close()


def ended():
    return not Record.objects.filter(state__in=["queued", "processing"]).exists()


def waits_of(job):
    """Seconds between the end of each attempt and the start of the next, as the rows of the attempts tell them."""
    attempts = list(Attempt.objects.filter(record_id=job.id).order_by("attempt"))
    assert [a.attempt for a in attempts] == list(range(1, RETRIES + 2))
    assert {(a.outcome, a.error_class) for a in attempts} == {("retry", "ReadTimeout")}
    return [(after.started_at - before.finished_at).total_seconds() for before, after in pairwise(attempts)]


def test_a_vendor_that_never_answers_is_asked_nine_times_with_growing_jittered_waits_and_then_a_person(
    vendor, spawn_worker, spawn_relay
):
    vendor.answers(Phase(NEVER))
    spawn_worker(concurrency=JOBS)
    spawn_relay()
    jobs = Call.enqueue_many({"url": vendor.url, "number": number} for number in range(JOBS))
    wait_until(ended, 90)
    for record in Record.objects.all():
        assert (record.state, record.reason, record.attempt) == ("dead_lettered", "attempts_exhausted", 9)
        assert record.error.startswith("ReadTimeout")
    calls = sorted((call.number, call.attempt) for call in vendor.calls())
    assert calls == [(number, attempt) for number in range(JOBS) for attempt in range(1, 10)]

    waits = [waits_of(job) for job in jobs]
    assert {len(each) for each in waits} == {RETRIES}
    by_retry = [list(each) for each in zip(*waits, strict=True)]
    assert all(wait >= 0 for each in by_retry for wait in each)
    # Growing: a wait is drawn below a bound that doubles, so it is the waits of all jobs together that grow: from 0.2
    # to 3.2 seconds on average. What a busy machine adds is the same for each.
    early, late = mean(map(mean, by_retry[:3])), mean(map(mean, by_retry[5:]))
    cap = RULE.cap.total_seconds()
    assert late > early + cap / 16  # fails by chance once in some 10^11 runs
    # Jittered: jobs that failed together do not come back together. Eight draws come as near as a 32nd once in 10^9.
    assert all(max(each) - min(each) > cap / 32 for each in by_retry[5:])
    assert max(map(max, by_retry[5:])) - min(map(min, by_retry[5:])) > cap / 8


def test_a_vendor_that_refuses_the_request_is_asked_once_and_the_job_has_failed_for_good(
    vendor, spawn_worker, spawn_relay
):
    vendor.answers(Phase(Answer(status=422)))
    spawn_worker()
    spawn_relay()
    job = Call.enqueue(url=vendor.url, number=7)
    wait_until(ended, 30)
    record = Record.objects.get(id=job.id)
    assert (record.state, record.reason, record.attempt) == ("failed_permanent", "permanent", 1)
    assert record.error.startswith("HTTPStatusError: Client error '422 ")
    attempt = Attempt.objects.get(record_id=job.id)
    assert (attempt.attempt, attempt.outcome) == (1, "fail")
    assert [(call.number, call.attempt, call.status) for call in vendor.calls()] == [(7, 1, 422)]
