"""Bodies that end as no body should: each job reaches its state, and the process that ran it lives on."""

from idempotency.models import Record
from tests.app.models import Effect
from tests.app.tasks import FailTimes, Misbehave, SlowOnce, Stubborn
from tests.processes import wait_until

ENDS = {
    "exit": ("dead_lettered", "TransientError: the body raised SystemExit"),
    "interrupt": ("dead_lettered", "TransientError: the body raised KeyboardInterrupt"),
    "cancelled": ("dead_lettered", "TransientError: the body raised CancelledError"),
    "nul": ("dead_lettered", "ValueError: a\\x00b\\ud800"),
    "unprintable": ("dead_lettered", "UnprintableError: (its text cannot be had: ZeroDivisionError)"),
    "open atomic": ("failed_permanent", "PermanentError: the body left a transaction open"),
    "autocommit off": ("failed_permanent", "PermanentError: the body left a transaction open"),
    "begin": ("failed_permanent", "PermanentError: the body left a transaction open"),
    "no json": ("failed_permanent", "PermanentError: the result is a set, which is not JSON"),
    "too large": ("failed_permanent", "PermanentError: the result has 300,002 bytes, over JOBS_MAX_PAYLOAD"),
    "closed connection": ("succeeded", ""),
}


def ended(state: str, **which) -> bool:
    return Record.objects.filter(state=state, **which).exists()


def test_a_body_however_it_ends_ends_in_a_state_and_harms_no_other(spawn_worker, spawn_relay):
    worker = spawn_worker()
    children = worker.children()
    spawn_relay()
    for how in ENDS:
        Misbehave.enqueue(how=how)
    last = FailTimes.enqueue(name="an ordinary one", times=1)
    wait_until(lambda: not Record.objects.filter(state__in=["queued", "processing"]).exists(), 40)
    found = {r.payload["how"]: (r.state, r.error or "") for r in Record.objects.exclude(id=last.id)}
    for how, (state, error) in ENDS.items():
        assert found[how][0] == state, (how, found[how])
        assert found[how][1].startswith(error), (how, found[how])
    assert Record.objects.get(id=last.id).state == "succeeded"
    assert not Effect.objects.filter(name__contains="uncommitted").exists()
    assert worker.children() == children


def test_a_soft_limit_is_a_failure_to_retry_and_a_hard_limit_ends_the_process(spawn_worker, spawn_relay):
    worker = spawn_worker()
    spawn_relay()
    slow = SlowOnce.enqueue(name="slow")
    wait_until(lambda: ended("succeeded", id=slow.id), 20)
    assert Record.objects.get(id=slow.id).result == 2
    children = worker.children()
    stubborn = Stubborn.enqueue(name="stubborn")
    wait_until(lambda: ended("dead_lettered", id=stubborn.id), 40)
    record = Record.objects.get(id=stubborn.id)
    assert (record.reason, record.attempt, record.deaths) == ("attempts_exhausted", 2, 2)
    assert worker.children() != children
    assert worker.alive
