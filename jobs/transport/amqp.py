"""RabbitMQ, with an end to every wait, and channels that confirm many messages at once."""

import os
import time
from collections.abc import Callable
from typing import Any
from weakref import WeakSet

import amqp
from amqp.basic_message import Message
from amqp.exceptions import MessageNacked
from amqp.method_framing import frame_handler
from kombu.transport import pyamqp

from jobs.transport.tolerance import tell, tolerant

ANSWER_SECONDS = 5.0  # for what the broker answers at once while it is well
HEADER_FRAME = 2  # the frame with a message's properties
BEFORE_PROPERTIES = 12  # bytes of such a frame: class, weight, size of the body
NO_PROPERTIES = b"\0\0"


class Blocked(amqp.RecoverableConnectionError):
    """The broker takes no message now: it is short of memory or disk."""


class Channel(pyamqp.Channel):
    def basic_consume(self, *args: Any, callback: Callable[..., Any] | None = None, **kwargs: Any) -> Any:
        """Consume as before; kombu makes its message of amqp's only inside the callback."""
        return super().basic_consume(*args, **kwargs, callback=tolerant(callback, self.message_to_python))  # type: ignore[misc]

    def message_to_python(self, raw_message: Any) -> Any:
        """Kombu's message, the same one each time: it knows whether it was acknowledged, and twice closes a channel."""
        made = getattr(raw_message, "made", None)
        if made is None:
            made = raw_message.made = super().message_to_python(raw_message)
        return made


class ConfirmingChannel(Channel):
    """A channel for messages that the broker confirms, and gives back when they fit no queue."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._published = 0
        self._unconfirmed: set[int] = set()
        self._returned = 0
        # Amqp's own way of confirming waits for each message.
        self.basic_publish = self._publish  # type: ignore[method-assign]

    def _publish(self, *args: Any, **kwargs: Any) -> None:
        self._basic_publish(*args, **kwargs)  # type: ignore[attr-defined]
        self._published += 1
        self._unconfirmed.add(self._published)

    def confirmed(self, seconds: float = ANSWER_SECONDS) -> int:
        """Wait until the broker has answered for all messages; returns how many fitted no queue.

        Raises:
            TimeoutError: it did not answer in time.
            Blocked: it takes no messages.
            amqp.MessageNacked: a queue could not keep one.
        """
        ends = time.monotonic() + seconds
        while self._unconfirmed:
            self.connection.drain_events(timeout=max(0.001, ends - time.monotonic()))
        returned, self._returned = self._returned, 0
        return returned

    def _on_basic_ack(self, delivery_tag: int, multiple: bool) -> None:  # noqa: FBT001 - amqp's signature
        done = {tag for tag in self._unconfirmed if tag <= delivery_tag} if multiple else {delivery_tag}
        self._unconfirmed -= done

    def _on_basic_nack(self, *_: Any) -> None:
        raise MessageNacked

    def _on_basic_return(self, *_: Any) -> None:
        self._returned += 1


class Connection(pyamqp.Connection):
    Channel = Channel

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, frame_handler=_tolerant_frame_handler)  # type: ignore[misc]
        self._confirming: ConfirmingChannel | None = None

    def connect(self, callback: Callable[[], Any] | None = None) -> Any:
        """Connect, and bound every later wait: amqp's own read timeout goes on reading."""
        answer = super().connect(callback)
        self.transport.sock.settimeout(ANSWER_SECONDS)
        _connected.add(self)
        return answer

    def leave_to_parent(self) -> None:
        """After a fork: let go of the socket without a word, for whatever were said would be said in its name."""
        transport: Any = self._transport  # type: ignore[attr-defined]
        if transport and transport.sock:
            transport.connected = False
            transport.sock.close()

    def confirming(self) -> ConfirmingChannel:
        """This connection's channel for hints, opened once."""
        if self._confirming is None:
            channel = ConfirmingChannel(self)
            channel.open()
            channel.confirm_select()
            self._confirming = channel
        return self._confirming

    def _on_blocked(self) -> None:
        """Break off whatever waits: from now on the broker does not even read what a connection that publishes says."""
        if self._confirming:
            raise Blocked("the broker is short of memory or disk and takes no messages")


_connected: WeakSet[Connection] = WeakSet()


def _leave_all_to_parent() -> None:
    for connection in list(_connected):
        connection.leave_to_parent()


os.register_at_fork(after_in_child=_leave_all_to_parent)


class Transport(pyamqp.Transport):
    Connection = Connection


class SSLTransport(pyamqp.SSLTransport):
    Connection = Connection


def _tolerant_frame_handler(connection: Connection, callback: Callable[..., Any]) -> Callable[[Any], Any]:
    """Take the properties off a message that has unreadable ones: without them it is of no task, and refused."""
    handle = frame_handler(connection, callback)

    def on_frame(frame: tuple[int, int, memoryview]) -> Any:
        kind, channel, content = frame
        if kind == HEADER_FRAME and not _readable(content):
            content = memoryview(bytes(content[:BEFORE_PROPERTIES]) + NO_PROPERTIES)
        return handle((kind, channel, content))

    return on_frame


def _readable(content: memoryview) -> bool:
    try:
        Message().inbound_header(content)  # type: ignore[attr-defined]
    except Exception as error:  # noqa: BLE001 - whatever bytes of a stranger make the parser throw
        tell(error)
        return False
    return True
