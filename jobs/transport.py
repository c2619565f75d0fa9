"""Redis as a broker that may hold anything: what cannot be read is dropped, because hints may be lost.

Celery's worker ends on a message that is not JSON, so whoever reaches the broker could end every worker.
"""

import logging
from collections.abc import Callable
from queue import Empty
from typing import Any

from kombu.transport import redis

logger = logging.getLogger(__name__)

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # not JSON, not UTF-8, or not a message's members


class Channel(redis.Channel):
    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[misc]
        except UNREADABLE as error:
            _tell(error)
            raise Empty from error

    def basic_consume(
        self,
        queue: str,
        no_ack: bool,  # noqa: FBT001 - kombu's signature
        callback: Callable[..., Any] | None,
        consumer_tag: str | None,
        **kwargs: Any,
    ) -> str:
        """Consume as before, but let a message whose body makes no sense end itself and not the worker."""

        def receive(message: Any) -> None:
            try:
                if callback:
                    callback(message)
            except UNREADABLE as error:
                _tell(error)
                if not message.acknowledged:
                    message.reject()  # else it counts as being worked on, for ever

        tag: str = super().basic_consume(queue, no_ack, receive, consumer_tag, **kwargs)
        return tag


class Transport(redis.Transport):
    Channel = Channel


def _tell(error: Exception) -> None:
    logger.warning("a message that cannot be read is dropped: %r", error, exc_info=error)
