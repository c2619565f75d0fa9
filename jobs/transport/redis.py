"""Redis and Valkey."""

import os
from collections.abc import Callable
from contextlib import suppress
from queue import Empty
from typing import Any

from kombu.transport import redis
from kombu.utils.json import dumps
from redis.exceptions import RedisError

from jobs.transport.tolerance import UNREADABLE, tell, tolerant

LOST = (RedisError, OSError)  # what a broker that is away leads to


class Channel(redis.Channel):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[str, int] = {}  # messages in a queue, as the broker said when one was put there
        self._publisher: Any = None
        self._sender: Any = None
        self._process = 0  # that the sender belongs to
        self.keeping = False  # whether what is put next may be put again
        self._kept: dict[str, tuple[str, str, str, str]] = {}  # by queue: key, text, and the two ids in it

    def _create_client(self, asynchronous: bool = False) -> Any:  # noqa: FBT001, FBT002 - kombu's signature
        """One client for all that is published: kombu makes a new one each time, which costs more than sending."""
        if asynchronous:
            return super()._create_client(asynchronous)  # type: ignore[misc]
        if self._publisher is None or self._publisher.connection_pool is not self.pool:
            self._publisher = super()._create_client()  # type: ignore[misc]
        return self._publisher

    def _hold(self) -> Any:
        """A client that keeps its connection, for what is put: to take one from the pool costs as much as sending.

        Nobody asks it before whether it still lives: where it does not, sending fails at once, and whoever sends takes
        another (`jobs.hints.with_broker`).
        """
        pool, process = self.pool, os.getpid()
        if self._sender is None or self._sender.connection_pool is not pool or self._process != process:
            self._sender = self.Client(connection_pool=pool, single_connection_client=True)
            self._process = process  # a fork must not share its parent's connection
        return self._sender

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Kombu forgets what the broker answers."""
        if kwargs.get("_publish_batch") is not None or queue in (self._expires or ()):  # type: ignore[attr-defined]
            super()._put(queue, message, **kwargs)
            return
        key = self._q_for_pri(queue, self._get_message_priority(message, reverse=False))  # type: ignore[attr-defined]
        self.waiting[queue] = self._hold().lpush(key, text := dumps(message))
        if self.keeping:
            self._kept[queue] = key, text, message["headers"]["id"], message["properties"]["delivery_tag"]

    def put_again(self, queue: str, id_: str) -> bool:
        """Put what was kept there once more, under another id; False where nothing was.

        To write a message anew costs kombu several times what it costs to send it.
        """
        if (kept := self._kept.get(queue)) is None:
            return False
        key, text, kept_id, kept_tag = kept
        self.waiting[queue] = self._hold().lpush(key, text.replace(kept_id, id_).replace(kept_tag, id_))
        return True

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except UNREADABLE as error:
            tell(error)
            raise Empty from error

    def _restore(self, message: Any, leftmost: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        """A hint that cannot be put back is no loss. Kombu would write it to a file, for an operator to find."""
        with suppress(*LOST):
            super()._restore(message, leftmost)  # type: ignore[call-arg]

    def basic_consume(
        self,
        queue: str,
        no_ack: bool,  # noqa: FBT001 - kombu's signature
        callback: Callable[..., Any] | None,
        consumer_tag: str | None,
        **kwargs: Any,
    ) -> str:
        tag: str = super().basic_consume(queue, no_ack, tolerant(callback), consumer_tag, **kwargs)
        return tag


class Transport(redis.Transport):
    Channel = Channel
