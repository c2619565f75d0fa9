"""No stall and no spin: a hint where a claim would find work, none where it would not, and never too many."""

import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from celery import current_app
from django.db import connection, transaction

from idempotency import queues
from idempotency.models import Record
from jobs import hints
from jobs.relay import ASSUMED_BATCH, SPARE_HINTS, Relay
from jobs.transport.redis import Channel
from tests.app.tasks import Mark
from tests.processes import wait_until
from tests.records import by_hand

SOON, LATER, MUCH_LATER = timedelta(seconds=0.4), timedelta(seconds=30), timedelta(hours=1)
FEW = 5


class Pushes:
    """Counts the messages that reached the broker, whether or not somebody took them since."""

    def __init__(self, broker):
        self.broker = broker
        self.before = broker.received()

    def __call__(self):
        return self.broker.received() - self.before


@pytest.fixture
def pushes(transactional_db, broker, monkeypatch):
    new_process(monkeypatch)
    return Pushes(broker)


@pytest.fixture
def relay(transactional_db):
    relay = Relay()
    yield relay
    relay.close()


def new_process(monkeypatch):
    """As a caller that has just started: it has sent nothing and seen nothing."""
    for memory in ("_silent_until", "_since_look", "_unconfirmed"):
        monkeypatch.setattr(hints, memory, {})


def pause(duration=None):
    queues.pause(connection, "default", duration=duration, reason="test", by="test")


def enqueue(count, name="n"):
    for i in range(count):
        Mark.enqueue(name=f"{name}{i}")


def test_one_job_is_one_hint(pushes, broker):
    enqueue(1)
    assert (pushes(), broker.length("default")) == (1, 1)


def test_a_transaction_sends_one_hint_after_its_commit_and_none_when_it_rolls_back(pushes):
    with transaction.atomic():
        enqueue(5)
        assert pushes() == 0
    assert pushes() == 1
    with transaction.atomic():
        enqueue(5, name="gone")
        transaction.set_rollback(True)
    assert pushes() == 1


def send_and_exit():
    """The rest of a forked process's life."""
    code = 1
    try:
        hints.send("default", FEW)
        hints.send("default", FEW)
        code = 0
    finally:
        os._exit(code)


def test_a_fork_of_a_caller_that_has_sent_hints_shares_no_connection_with_it(pushes):
    hints.send("default")
    forks = [os.fork() or send_and_exit() for _ in range(2)]
    hints.send("default", FEW)
    assert [os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1]) for fork in forks] == [0, 0]
    hints.send("default")
    assert pushes() == 2 + 5 * FEW


def test_a_caller_keeps_its_connection_to_redis_and_a_fork_of_it_takes_another(pushes, broker):
    if broker.name == "rabbitmq":
        pytest.skip("a connection of AMQP is kept as it is")

    def kept():
        hints.send("default")
        return hints.with_broker(lambda connection: connection.default_channel._hold().client_id())

    ours, (end, beginning) = kept(), os.pipe()
    if not (fork := os.fork()):
        try:
            os.write(beginning, f"{kept()}".encode())
        finally:
            os._exit(0)
    os.waitpid(fork, 0)
    assert kept() == ours != int(os.read(end, 20))


def test_a_duplicate_sends_none(pushes):
    enqueue(1)
    enqueue(1)
    assert pushes() == 1


def test_a_paused_queue_gets_no_hint_until_it_is_resumed(pushes, relay):
    pause()
    enqueue(20)
    Mark.enqueue_many({"name": f"many {i}"} for i in range(20))
    assert sum(relay.tick().hints for _ in range(5)) == pushes() == 0
    queues.resume(connection, "default")
    assert relay.tick().hints == pushes() == 1


def test_the_relay_wakes_when_a_pause_ends(pushes, relay, settings):
    settings.JOBS_RELAY_INTERVAL = MUCH_LATER
    pause(LATER)
    enqueue(1)
    ticked = relay.tick()
    assert ticked.hints == pushes() == 0
    assert 0 < ticked.next_in <= LATER.total_seconds()
    by_hand(connection, "UPDATE idempotency_queue SET paused_until = statement_timestamp()")
    assert relay.tick().hints == pushes() == 1


def test_a_job_that_is_not_due_gets_no_hint_until_it_is(pushes, relay):
    job = Mark.using(delay=MUCH_LATER).enqueue(name="later")
    assert relay.tick().hints == pushes() == 0
    by_hand(connection, "UPDATE idempotency_record SET available_at = statement_timestamp() + %s", SOON)
    wait_until(lambda: relay.tick().hints)
    assert pushes() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - available_at FROM idempotency_record WHERE id = %s", [job.id])
        assert timedelta(0) <= cursor.fetchone()[0]


@pytest.mark.parametrize("blocked", ["parked_reason = 'no worker'", "attempt = max_attempts", "held = true"])
def test_what_a_claim_would_refuse_gets_no_hint(pushes, relay, blocked):
    enqueue(1)
    by_hand(connection, f"UPDATE idempotency_record SET line = NULL, {blocked}")
    assert relay.tick().hints == 0
    assert pushes() == 1


def test_without_consumers_callers_fill_a_queue_only_so_far(pushes, broker):
    enqueue(300)
    unseen = hints.LOOK_EVERY if broker.name == "rabbitmq" else 0  # the others say with each hint how many wait
    assert hints.CALLER_FULL <= broker.length("default") <= hints.CALLER_FULL + unseen
    full = broker.length("default")
    hints._silent_until.clear()  # their rest is over, again and again
    for i in range(5):
        enqueue(5, name=f"round {i} ")
        hints._silent_until.clear()
    assert broker.length("default") == full


def test_each_hint_has_an_id_of_its_own_and_redis_says_with_each_how_many_wait(pushes, broker):
    told = [hints.send("default") for _ in range(3)]
    assert told == ([None] * 3 if broker.name == "rabbitmq" else [1, 2, 3])
    with current_app.connection_for_read() as reader:
        queue = current_app.amqp.queues["default"](reader.default_channel)
        hinted = [queue.get(no_ack=True, accept=["json"]) for _ in told]
    assert len({message.headers["id"] for message in hinted}) == len(told)
    assert all(message.headers["task"] == hints.TASK for message in hinted)
    assert [message.payload[:2] for message in hinted] == [[[], {"queue": "default"}]] * len(told)
    assert len({message.delivery_tag for message in hinted}) == len(told)


def test_a_hint_that_cannot_be_sent_leaves_nothing_to_be_sent_again(monkeypatch):
    def publish(*_):
        raise ConnectionError

    monkeypatch.setattr(hints, "_publish", publish)
    channel = Channel.__new__(Channel)
    channel.keeping, channel._kept, channel.waiting = False, {}, {}
    with pytest.raises(ConnectionError):
        hints._put(channel, "default", 1, {})
    assert not channel.keeping


def test_without_consumers_many_short_lived_callers_fill_it_no_further(pushes, broker, monkeypatch):
    for i in range(120):
        new_process(monkeypatch)
        enqueue(1, name=f"process {i} ")
    assert broker.length("default") == hints.CALLER_FULL


def test_without_consumers_the_relay_tops_up_to_the_window_and_stops(pushes, broker, relay, settings):
    Mark.enqueue_many({"name": f"n{i}"} for i in range(2020))
    for _ in range(20):
        relay.tick()
    assert broker.length("default") == pushes() == math.ceil(2020 / ASSUMED_BATCH)
    broker.flush()
    settings.JOBS_HINT_WINDOW = 7
    for _ in range(20):
        relay.tick()
    assert broker.length("default") == 7


def test_behind_a_deep_backlog_wait_the_spare_hints_and_no_more(broker, relay):
    Mark.enqueue_many({"name": f"n{i}"} for i in range((SPARE_HINTS + 5) * ASSUMED_BATCH))
    for _ in range(3):
        relay.tick()
    assert broker.length("default") == SPARE_HINTS


def test_a_wiped_broker_is_refilled_by_the_next_tick(pushes, broker, relay):
    enqueue(1)
    broker.flush()
    assert relay.tick().hints == broker.length("default") == 1


def test_relays_side_by_side_send_no_more_than_one_would(pushes, broker):
    relays, start = [Relay() for _ in range(3)], Barrier(3)
    for relay in relays:
        relay.tick()  # so that none is late for its housekeeping
    Mark.enqueue_many({"name": f"n{i}"} for i in range(2000))

    def tick_often(relay):
        start.wait()
        for _ in range(10):
            relay.tick()
        relay.close()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(tick_often, relays))
    assert broker.length("default") == pushes() == 2000 / ASSUMED_BATCH


def waits() -> list[float]:
    """Seconds between becoming claimable and being claimed, of every job, in order."""
    moments = Record.objects.values_list("started_at", "available_at")
    return sorted((started - due).total_seconds() for started, due in moments)


def goes_on_in(begin, name):
    """Seconds from `begin(name)`, which asks for one job, until that has succeeded."""
    began = time.monotonic()
    begin(name)
    wait_until(Record.objects.filter(payload__name__startswith=name, state="succeeded").exists)
    return time.monotonic() - began


def resume_with_work(name):
    pause()
    enqueue(1, name=name)
    queues.resume(connection, "default")


def pause_with_work(name):
    pause(SOON)
    enqueue(1, name=name)


def ask_for_soon(name):
    Mark.using(delay=SOON).enqueue(name=name)


def test_work_goes_on_within_a_second_after_a_pause_and_when_it_becomes_due(spawn_worker, spawn_relay):
    """The best of some: who is too late because of the machine is so now and then, who sleeps too long always is."""
    spawn_worker()
    spawn_relay().wait_for_log("ready")
    goes_on_in(lambda name: enqueue(1, name), "warm")
    soon = SOON.total_seconds()
    for begin, at_once in ((resume_with_work, 0), (pause_with_work, soon), (ask_for_soon, soon)):
        took = [goes_on_in(begin, f"{begin.__name__} {number}") for number in range(4)]
        assert at_once <= min(took) < at_once + 1.5, (begin.__name__, took)


def test_without_a_relay_hints_loop_and_nothing_waits(spawn_worker):
    spawn_worker(concurrency=2)
    began = time.monotonic()
    unfinished = Record.objects.exclude(state="succeeded")
    for i in range(150):
        Mark.enqueue_many({"name": f"{i}-{j}"} for j in range(3))
        # As fast as a worker keeps up with: who asks for more waits for the worker and not for a hint.
        wait_until(lambda i=i: time.monotonic() > began + i * 0.02 and unfinished.count() < 30)
    wait_until(lambda: not unfinished.exists())
    assert waits()[len(waits()) // 2] < 1, "a stall would be for ever; a busy machine makes a few late"
