"""What cannot be read is dropped, because hints may be lost.

Celery's worker ends on some messages, so whoever reaches the broker could end every worker.
"""

import logging
from collections.abc import Callable
from typing import Any

from jobs import log_events

logger = logging.getLogger(__name__)

UNREADABLE = (ValueError, KeyError, TypeError, AttributeError)  # not JSON, not UTF-8, or not a message's members


def tell(error: Exception) -> None:
    """Log that a message is dropped, and why."""
    logger.warning(
        "a message that cannot be read is dropped: %r", error, exc_info=error, extra=log_events.MESSAGE_DROPPED
    )


def tolerant(
    callback: Callable[..., Any] | None, message_of: Callable[[Any], Any] = lambda delivered: delivered
) -> Callable[[Any], None]:
    """The consumer's callback, made to let a message that makes no sense end itself and not the worker.

    `message_of` gives kombu's message for what the transport delivers, where the two differ.
    """

    def receive(delivered: Any) -> None:
        try:
            if callback:
                callback(delivered)
        except UNREADABLE as error:
            tell(error)
            message = message_of(delivered)
            if not message.acknowledged:
                message.reject()  # else it counts as being worked on, for ever

    return receive
