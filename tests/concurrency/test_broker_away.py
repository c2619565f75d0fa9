"""A broker that hangs, dies in silence or takes no more costs a caller one bounded wait, and the broker's own friends
nothing: the record is there, and the relay sends the hint."""

import math
import time
from contextlib import closing
from functools import partialmethod
from itertools import count
from types import SimpleNamespace

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from idempotency.models import Record
from jobs import hints
from jobs.models import Pulse
from jobs.relay import Relay
from jobs.transport.amqp import ConfirmingChannel
from tests.app.models import Effect
from tests.app.tasks import Mark
from tests.concurrency.test_hints import new_process
from tests.processes import wait_until

LONGEST = 30.0  # seconds: one unanswered question, and the time that a busy machine adds
QUESTION = 4.0  # seconds: less than what one unanswered question takes
CALLS, ROUNDS = 20, 3
numbers = count()


@pytest.fixture
def callers_wire(broker_wire, monkeypatch):
    """The way that this process's hints take, with a connection that has already been used."""
    new_process(monkeypatch)
    pool = current_app.connection_for_write(broker_wire.url).Pool(limit=2)
    monkeypatch.setattr(hints, "current_app", SimpleNamespace(pool=pool, amqp=current_app.amqp))
    hints.send("default")
    yield broker_wire
    broker_wire.heal()
    broker_wire.thaw()
    pool.force_close_all()


def seconds_of_calls():
    """What each of some enqueues took, longest first."""
    took = []
    for _ in range(CALLS):
        began = time.monotonic()
        Mark.enqueue(name=f"while it is away {next(numbers)}")
        took.append(time.monotonic() - began)
    return sorted(took, reverse=True)


def seconds_of_a_lucky_caller(monkeypatch):
    """What a call takes at the longest, of the best of some new callers: the machine holds one up, a broker all."""
    longest = []
    for _ in range(ROUNDS):
        new_process(monkeypatch)
        longest.append(seconds_of_calls()[0])
    return min(longest)


def assert_one_was_held(caplog):
    longest, next_longest, *_ = seconds_of_calls()
    assert longest < LONGEST
    assert next_longest < QUESTION
    assert caplog.text.count("no hint sent to queue default") == 1, "another one asked, too"


def test_a_broker_that_hangs_holds_one_call_for_some_seconds_and_no_other(transactional_db, callers_wire, caplog):
    callers_wire.freeze()
    assert_one_was_held(caplog)
    assert Record.objects.count() == CALLS


def test_a_broker_that_hangs_before_it_says_hello_does_so_too(transactional_db, callers_wire, caplog):
    callers_wire.cut()
    callers_wire.freeze()
    callers_wire.heal()
    assert_one_was_held(caplog)


def test_a_broker_that_is_gone_holds_nobody(transactional_db, callers_wire, monkeypatch):
    callers_wire.cut()
    assert seconds_of_a_lucky_caller(monkeypatch) < 1


def test_a_connection_that_was_closed_while_nobody_used_it_costs_no_hint(transactional_db, callers_wire, broker):
    callers_wire.cut()
    callers_wire.heal()
    before = broker.length("default")
    Mark.enqueue(name="after a quiet night")
    assert broker.length("default") == before + 1


def test_a_half_open_connection_holds_one_call_and_the_next_ones_use_another(
    transactional_db, callers_wire, broker, caplog
):
    callers_wire.half_open()
    assert_one_was_held(caplog)
    hints._silent_until.clear()  # its rest is over
    before = broker.length("default")
    Mark.enqueue(name="through a new one")
    assert broker.length("default") == before + 1


def test_a_broker_that_takes_no_more_holds_nobody_and_what_waits_in_it_is_worked_on(
    spawn_worker, callers_wire, broker, monkeypatch
):
    spawn_worker()
    broker.refuse()
    try:
        assert seconds_of_a_lucky_caller(monkeypatch) < 2
        assert Record.objects.count() == ROUNDS * CALLS
    finally:
        broker.accept()
    relay = Relay()
    wait_until(lambda: relay.tick() and Effect.objects.count() == ROUNDS * CALLS)
    relay.close()


def test_a_relay_sends_again_once_a_broker_takes_messages_again(transactional_db, callers_wire, broker):
    relay = Relay()
    broker.refuse()
    try:
        seconds_of_calls()
        assert relay.tick().hints == 0
    finally:
        broker.accept()
    broker.flush()
    assert wait_until(lambda: relay.tick().hints) == broker.length("default") == 1
    relay.close()


def look_at_the_broker(relay):
    relay._broker_memory._looked = -math.inf
    relay.tick()
    return dict(Pulse.objects.filter(kind="broker").values_list("name", "found")).get(relay._name)


def test_a_relay_tells_that_the_broker_is_full(transactional_db, callers_wire, broker):
    with closing(Relay()) as relay:
        broker.flush()
        broker.refuse()
        try:
            Mark.enqueue(name="no hint is taken")
            assert wait_until(lambda: look_at_the_broker(relay)) == 1
        finally:
            broker.accept()
        if broker.name == "rabbitmq":  # a Redis without a bound tells nothing
            wait_until(lambda: look_at_the_broker(relay) == 0)


def test_a_broker_that_is_away_is_not_called_full(transactional_db, callers_wire, broker):
    with closing(Relay()) as relay:
        broker.kill()
        assert not look_at_the_broker(relay)


BREAK = "ra:force_delete_server(quorum_queues, {'%2F_default', node()})."


@pytest.fixture
def break_queue(broker, monkeypatch):
    """Make a RabbitMQ's queue one that answers a declare and takes nothing, as one declared right before a crash is."""
    if broker.name != "rabbitmq":
        pytest.skip("only RabbitMQ has such queues: tests/servers/test_rabbitmq.py runs this on one")
    new_process(monkeypatch)
    monkeypatch.setattr(ConfirmingChannel, "confirmed", partialmethod(ConfirmingChannel.confirmed, seconds=0.5))
    return lambda: broker.control("eval", BREAK)


def test_a_queue_that_is_there_and_takes_nothing_is_declared_anew(spawn_worker, break_queue, caplog):
    spawn_worker()
    break_queue()
    Mark.enqueue(name="behind")
    with closing(Relay()) as relay:
        wait_until(lambda: relay.tick() and Effect.objects.filter(name="behind").exists(), 30)
    assert "took none of the last 3 sends" in caplog.text


def test_a_queue_is_kept_while_its_broker_answers_nothing(break_queue, broker_wire, monkeypatch):
    pool = current_app.connection_for_write(broker_wire.url).Pool(limit=1)
    monkeypatch.setattr(hints, "current_app", SimpleNamespace(pool=pool, amqp=current_app.amqp))
    monkeypatch.setattr("jobs.transport.amqp.ANSWER_SECONDS", 1.5)
    hints.send("default")
    broker_wire.freeze()
    for _ in range(2 * hints.UNCONFIRMED):
        with pytest.raises((TimeoutError, OperationalError)):
            hints.send("default")
    assert hints._unconfirmed.get("default", 0) < hints.UNCONFIRMED
    broker_wire.thaw()
    pool.force_close_all()
