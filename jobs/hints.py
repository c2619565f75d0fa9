"""Hints: broker messages that say "queue Q has work", and nothing else.

They may be lost, doubled, late or forged, so sending one may fail in silence: the relay sends it again.
"""

import logging
import time
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, TypeVar

from amqp.exceptions import MessageNacked
from celery import current_app
from django.db import connection, transaction
from kombu import Producer
from kombu.utils.uuid import uuid

from jobs import log_events, observers
from jobs.metrics import callers
from jobs.metrics.measuring import here
from jobs.transport import amqp

T = TypeVar("T")

logger = logging.getLogger(__name__)

TASK = "jobs.hint"
CALLER_FULL = 64  # hints that already wait: every worker of the queue is at work and each will look again
CALLER_REST = 0.25  # seconds a caller sends nothing after it saw the queue full: the relay's own interval
BROKER_AWAY_REST = 1.0  # seconds a caller tries nothing after the broker failed …
REST_PER_LOSS = 10  # … or this many times what the failure took: a broker that hangs costs a tenth of the time
AT_ONCE = 0.5  # seconds within which a connection that died unnoticed fails; whoever waited longer is not sent again
LOOK_EVERY = 16  # sends between two looks at the depth; a look costs as much as a send
UNCONFIRMED = 3  # sends in a row that a RabbitMQ did not confirm though it answered all else: its queue is broken

NO_HEADERS: Mapping[str, str] = MappingProxyType({})

_silent_until: dict[str, float] = {}
_since_look: dict[str, int] = {}
_unconfirmed: dict[str, int] = {}


class _Nudge:
    """The callback of one transaction for one queue."""

    def __init__(self, queue: str) -> None:
        self.queue = queue

    def __call__(self) -> None:
        nudge(self.queue)
        if callers.is_due():
            callers.tell()


def after_commit(queue: str) -> None:
    """Send one hint when the caller's transaction commits; once, however many jobs it enqueues."""
    held = set(connection.savepoint_ids)
    for savepoints, callback, _robust in connection.run_on_commit[-8:]:  # type: ignore[misc]
        if isinstance(callback, _Nudge) and callback.queue == queue and set(savepoints) <= held:
            return
    transaction.on_commit(_Nudge(queue), robust=True)


def nudge(queue: str) -> None:
    """Send one hint unless enough wait or the broker is away. Never raises: the relay makes up for it."""
    now = time.monotonic()
    if now < max(_silent_until.get(queue, 0), _silent_until.get("", 0)):
        return
    try:
        # A new process looks first, and so does one that has rested: else many of them would fill a queue for ever.
        if (sent := _since_look.get(queue, LOOK_EVERY)) >= LOOK_EVERY:
            if _rests(queue, depth(queue)):
                return
            sent = 0
        waiting = send(queue)
        _since_look[queue] = sent + 1 if waiting is None else 0
        _rests(queue, waiting)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client throws must not reach the caller
        failed = time.monotonic()
        _silent_until[""] = failed + max(BROKER_AWAY_REST, REST_PER_LOSS * (failed - now))
        logger.warning("no hint sent to queue %s, the relay will: %s", queue, error, extra=log_events.HINT_UNSENT)


def _rests(queue: str, waiting: int | None) -> bool:
    """Whether so many hints wait, as far as that is known, that this process sends none for a while."""
    if waiting is None or waiting < CALLER_FULL:
        return False
    _silent_until[queue] = time.monotonic() + CALLER_REST
    _since_look.pop(queue, None)
    return True


def send(queue: str, count: int = 1) -> int | None:
    """Put `count` hints into the queue; returns how many wait there now, where the broker says it without being asked.

    Raises what the broker's client raises.
    """
    began, error = time.monotonic(), "failed"
    try:
        waiting = _send_observed(queue, count)
        error = ""
    finally:
        here.count("messaging_client_sent_messages_total", queue, error, times=count)
        here.observe("messaging_client_operation_duration_seconds", time.monotonic() - began, queue, "send", error)
    return waiting


def _send_observed(queue: str, count: int) -> int | None:
    if not observers.watching:
        return with_broker(partial(_send, queue=queue, count=count, headers=NO_HEADERS))
    headers: dict[str, str] = {}
    with observers.around(lambda o: o.hinting(queue, headers)):
        return with_broker(partial(_send, queue=queue, count=count, headers=headers))


def depth(queue: str) -> int:
    """Hints that wait in the queue."""
    return with_broker(partial(_depth, queue=queue))


def with_broker(work: Callable[[Any], T]) -> T:
    """Call `work` with a connection of the pool; a second time where the connection had died of old age meanwhile."""
    pool: Any = current_app.pool
    with pool.acquire(block=True, timeout=5) as connection:
        kept, began = connection.connected, time.monotonic()
        try:
            return _with(connection, work)
        except connection.connection_errors:
            if not kept or time.monotonic() - began > AT_ONCE:
                raise
        return _with(connection, work)


def _with(connection: Any, work: Callable[[Any], T]) -> T:
    try:
        return work(connection)
    except Exception:
        connection.collect()  # answers to this may still be on their way, and are none to the next question
        raise


def _send(connection: Any, *, queue: str, count: int, headers: Mapping[str, str]) -> int | None:
    channel = _channel(connection)
    if hasattr(channel, "put_again"):  # Redis's
        return _put(channel, queue, count, headers)
    if not isinstance(channel, amqp.ConfirmingChannel):
        _publish(channel, queue, count, headers)
        return None
    _mend(channel, queue)
    try:
        _send_confirmed(channel, queue, count, headers)
    except (TimeoutError, MessageNacked):
        _unconfirmed[queue] = _unconfirmed.get(queue, 0) + 1
        raise
    _unconfirmed.pop(queue, None)
    return None


def _put(channel: Any, queue: str, count: int, headers: Mapping[str, str]) -> int | None:
    """Hints that nobody watches differ in their ids alone, so that the first of a queue is written for all."""
    for _ in range(count):
        if headers or not channel.put_again(queue, uuid()):
            channel.keeping = not headers
            try:
                _publish(channel, queue, 1, headers)
            finally:  # whatever else is put there must not be sent again as a hint
                channel.keeping = False
    return channel.waiting.get(queue)  # type: ignore[no-any-return]


def _mend(channel: Any, queue: str) -> None:
    """Delete a queue that is there and takes nothing, as one declared right before a crash. It held only hints."""
    if not (failed := _unconfirmed.get(queue)):
        return
    declared = current_app.amqp.queues[queue](channel)
    declared.declare()  # a broker that hangs does not answer this either: the queue is not to blame
    if failed >= UNCONFIRMED:
        logger.warning(
            "queue %s took none of the last %d sends: it is deleted and declared anew",
            queue,
            failed,
            extra=log_events.QUEUE_MENDED,
        )
        _unconfirmed.pop(queue)
        declared.delete()
        declared.declare()


def _send_confirmed(channel: amqp.ConfirmingChannel, queue: str, count: int, headers: Mapping[str, str]) -> None:
    _publish(channel, queue, count, headers)
    if unroutable := channel.confirmed():
        current_app.amqp.queues[queue](channel).declare()
        _publish(channel, queue, unroutable, headers)
        channel.confirmed()


def _publish(channel: Any, queue: str, count: int, headers: Mapping[str, str]) -> None:
    producer = Producer(channel, auto_declare=False)
    for _ in range(count):
        # The default exchange: it needs no binding, so a wiped broker routes as before.
        producer.publish(_body(queue), exchange="", routing_key=queue, headers=_headers(queue, headers),
                         serializer="json", mandatory=True, retry=False, delivery_mode=1)  # fmt: skip


def _depth(connection: Any, *, queue: str) -> int:
    channel: Any = _channel(connection)
    if hasattr(channel, "_size"):
        return int(channel._size(queue))  # noqa: SLF001 - kombu has no public way that works before a consumer came
    # Declared as the workers declare it: a queue that is gone is there again, and nobody waits for a worker to start.
    declared = current_app.amqp.queues[queue](channel)
    depths: list[int] = []
    declared.on_declared = lambda _name, messages, _consumers: depths.append(messages)
    declared.queue_declare()
    return depths[0]


def _channel(connection: Any) -> Any:
    channel = connection.default_channel  # connects, where need be
    return connection.connection.confirming() if isinstance(channel, amqp.Channel) else channel


@lru_cache
def _body(queue: str) -> Any:
    return ([], {"queue": queue}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None})


def _headers(queue: str, watched: Mapping[str, str] = NO_HEADERS) -> dict[str, Any]:
    """Celery's second protocol. The id names the message alone; the worker uses it to name the claims it leads to."""
    return {
        "headers": dict(watched),
        "lang": "py",
        "task": TASK,
        "id": (id_ := uuid()),
        "root_id": id_,
        "parent_id": None,
        "group": None,
        "retries": 0,
        "eta": None,
        "expires": None,
        "timelimit": [None, None],
        "argsrepr": "()",
        "kwargsrepr": f"{{'queue': '{queue}'}}",
        "ignore_result": True,
    }
