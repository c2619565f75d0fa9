"""Redis and Valkey."""

from collections.abc import Callable
from queue import Empty
from typing import Any

from kombu.transport import redis

from jobs.transport.tolerance import UNREADABLE, tell, tolerant


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except UNREADABLE as error:
            tell(error)
            raise Empty from error

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
