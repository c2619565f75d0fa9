"""What Celery's own receivers of events, such as Flower, hear of jobs through the broker."""

import contextlib
import json
import math
import time
from functools import partial

import kombu
import pytest
from celery import current_app

from jobs.own_connection import OwnConnection
from jobs.worker import shared
from jobs.worker.events import JobEvents
from jobs.worker.ready import Readying
from jobs.worker.settle import Settler
from tests.app.tasks import Echo
from tests.records import claim

HOSTNAME = "celery@here"
AWKWARD = 'she said "\\u00e9\\" and é, 100 %s\n'


class Hearing:
    """A receiver, connected; `until(n)` returns the first `n` events that it hears."""

    def __init__(self, connection):
        self.heard = []
        self._connection = connection
        channel = connection.default_channel
        receiver = current_app.events.Receiver(connection, handlers={"*": self.heard.append})
        (consumer,) = receiver.get_consumers(partial(kombu.Consumer, channel), channel)
        consumer.consume()
        self._drain(0.3)  # Redis is asked for them by the first look

    def until(self, wanted):
        ends = time.monotonic() + 20
        while len(self.heard) < wanted:
            assert time.monotonic() < ends, self.heard
            self._drain(1)
        return self.heard

    def _drain(self, seconds):
        with contextlib.suppress(TimeoutError):
            self._connection.drain_events(timeout=seconds)


@pytest.fixture
def hearing(broker):
    shared.want_events(wanted=True)
    with current_app.connection_for_read() as connection:
        yield Hearing(connection)
    shared.want_events(wanted=False)


@pytest.fixture
def events(broker):
    events = JobEvents(HOSTNAME)
    yield events
    if events._dispatcher:
        events._dispatcher.connection.close()


@pytest.fixture
def ready(committing):
    """`ready(options)`: one job each, made ready; it began at 1795873127.25."""
    own = OwnConnection("jobs test")

    def of(*options):
        Echo.enqueue_many({"value": f"{AWKWARD}{number}"} for number in range(len(options)))
        batch = claim(committing, queue=Echo.queue)
        made = Readying(HOSTNAME, Settler(own, lambda: False)).all(
            [claimed._replace(options=each) for claimed, each in zip(batch, options, strict=True)]
        )
        for one in made:
            one.job.started = 1795873127.25
        return made

    yield of
    own.close()


def test_a_receiver_hears_of_each_step(hearing, events, ready):
    plain, behind, long = ready(None, {"root_id": "root", "parent_id": "parent"}, None)
    events.succeeded(plain, AWKWARD, 0.5)
    events.failed(behind, AWKWARD, 2e-6, retried=True)
    events.started(long)
    events.flush()
    events.failed(long, "ValueError: no", 0.25, retried=False)
    events.flush()
    heard = hearing.until(9)

    assert [(e["type"], e["uuid"]) for e in heard] == [
        (f"task-{step}", one.id)
        for one, last in ((plain, "succeeded"), (behind, "retried"), (long, "failed"))
        for step in ("received", "started", last)
    ]
    state = current_app.events.State()
    for event in heard:
        state.event(event)
    tasks = [state.tasks[one.id] for one in (plain, behind, long)]
    assert [(t.state, t.root_id, t.parent_id, t.worker.hostname) for t in tasks] == [
        ("SUCCESS", plain.id, None, HOSTNAME),
        ("RETRY", "root", "parent", HOSTNAME),
        ("FAILURE", long.id, None, HOSTNAME),
    ]
    assert [(t.name, t.kwargs, t.routing_key) for t in tasks] == [
        (Echo.name, one.arguments, Echo.queue) for one in (plain, behind, long)
    ]
    assert (tasks[0].result, tasks[0].runtime, tasks[1].exception) == (AWKWARD, 0.5, AWKWARD)


def test_their_times_and_clocks_are_in_order(events, ready):
    shared.want_events(wanted=True)
    before = current_app.clock.value
    for one in ready(None, None):
        events.succeeded(one, "None", 0.125)
    told = json.loads(events.take())
    shared.want_events(wanted=False)
    assert [e["timestamp"] for e in told] == [1795873127.25, 1795873127.25, 1795873127.375] * 2
    assert [e["clock"] - before for e in told] == [1, 1, 2, 3, 3, 4]
    assert current_app.clock.forward() == before + 5
    assert math.isclose(told[2]["runtime"], 0.125)
