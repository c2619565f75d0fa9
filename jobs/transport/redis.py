"""Redis and Valkey."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty
from typing import Any

from kombu.transport import redis
from redis.exceptions import RedisError

from jobs.transport.tolerance import UNREADABLE, tell, tolerant

LOST = (RedisError, OSError)  # what a broker that is away leads to


class Channel(redis.Channel):
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
