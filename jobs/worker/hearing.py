"""Whether the broker still delivers: a RabbitMQ may lose a consumer with its queue and tell nobody."""

import logging
from typing import Any

import amqp
from celery.worker import state

from jobs import hints, log_events

logger = logging.getLogger(__name__)


class Hearing:
    """A worker that holds no hint, and gets none while some wait in its queues, connects anew."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._missed: int | None = None  # hints received so far when some waited and none was here

    def look(self, queues: list[str]) -> None:
        """Look, and compare with the look before. Call it every few seconds, from any thread."""
        if not self._consumer.hub or self._consumer.app.connection_for_write().transport.driver_type != "amqp":
            return
        received = state.all_total_count[0]
        waiting = not state.reserved_requests and self._waiting(queues)
        if waiting and received == self._missed:
            self._consumer.hub.call_soon(_give_up)
            waiting = False
        self._missed = received if waiting else None

    def _waiting(self, queues: list[str]) -> bool:
        try:
            return any(hints.depth(queue) for queue in queues)
        except Exception as error:  # noqa: BLE001 - a broker that is away delivers nothing, and Celery's loop knows it
            logger.debug("no look at the queues: %s", error, extra=log_events.LOOK_FAILED)
            return False


def _give_up() -> None:
    """End this connection: Celery's event loop lets such an error through, and connects again."""
    raise amqp.RecoverableConnectionError("hints wait and none is delivered")
