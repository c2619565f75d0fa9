"""A hint that a child follows by itself: nobody can tell it from one that Celery's tracer was given."""

import pytest
from celery import signals
from celery._state import _task_stack
from django.db import connection
from kombu.utils.json import dumps
from kombu.utils.uuid import uuid

from jobs import hints
from jobs.worker import following, hint
from jobs.worker.child import Child
from tests.app.tasks import Mark


@pytest.fixture
def follow(transactional_db, monkeypatch):
    """`follow(…)` takes a message's arguments and does what a child does with them; returns what its parent is told."""

    def send(*args, short=True, **kwargs):
        id_ = uuid()
        request = {"id": id_, "task": hints.TASK, "hostname": "celery@here", "args": args, "kwargs": kwargs}
        message = dumps([args, kwargs, {}]), "application/json", "utf-8"
        with monkeypatch.context() as patch:
            if not short:
                patch.setattr(following._short, "is_open", lambda _: False)
            told = following.follow(hints.TASK, id_, request, *message)
        assert (len(_task_stack.stack), len(hint.Hint.request_stack)) == (0, 0)
        return told

    assert following._short.is_open(following._registered())
    hint.forget_child()
    yield send
    if hint._child:
        hint._child.own.close()
    hint.forget_child()


@pytest.fixture
def listen():
    """`listen(signal)` returns a list of whose it was, each time it is sent."""
    connected = []

    def to(signal):
        heard = []

        def receive(sender, **_):
            heard.append(sender.name)

        signal.connect(receive, weak=False)
        connected.append((signal, receive))
        return heard

    yield to
    for signal, receive in connected:
        signal.disconnect(receive)


@pytest.mark.parametrize("short", [True, False])
def test_the_parent_hears_how_many_jobs_it_led_to(follow, short):
    for name in "abc":
        Mark.enqueue(name=name)
    failed, told, seconds = follow(queue=Mark.queue, short=short)
    assert (failed, told) == (0, "3")
    assert 0 < seconds < 60


@pytest.mark.parametrize("short", [True, False])
def test_one_that_fails_is_told_as_celery_tells_it_and_is_not_followed_twice(
    follow, listen, monkeypatch, caplog, short
):
    followed, heard = [], listen(signals.task_failure)

    def fail(_child, queue, *_):
        followed.append(queue)
        raise RuntimeError("broken")

    monkeypatch.setattr(Child, "work", fail)
    failed, told, _ = follow(queue="default", short=short)
    assert (failed, str(told.exception), followed, heard) == (1, "broken", ["default"], [hints.TASK])
    assert [r.getMessage().partition("raised")[2] for r in caplog.records if r.name == "celery.app.trace"] == [
        " unexpected: RuntimeError('broken')"
    ]
    monkeypatch.undo()
    assert follow(queue="default", short=short)[:2] == (0, "0")


def test_who_listens_to_hints_hears_them(follow, listen):
    assert follow(queue="default")[:2] == (0, "0")
    heard = listen(signals.task_prerun)
    assert follow(queue="default")[:2] == (0, "0")
    assert heard == [hints.TASK]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [(["default"], {}), ([], {"queue": "default", "later": 1}), ([], {"queue": ["default"]}), ([], {"queue": "none"})],
)
def test_a_message_that_somebody_else_has_written_is_taken_as_before(follow, args, kwargs):
    Mark.enqueue(name="waits")
    known = "default" in (*args, *map(str, kwargs.values()))
    assert follow(*args, **kwargs)[:2] == (0, "1" if known else "0")


def test_a_connection_of_djangos_that_has_had_its_time_is_closed_around_it(follow):
    connection.ensure_connection()
    connection.close_at = 0.0
    assert follow(queue="default")[0] == 0
    assert connection.connection is None
