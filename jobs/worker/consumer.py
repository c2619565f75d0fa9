"""Celery's consumer, without its delayed messages: 28 queues at the broker for what the records do themselves."""

from typing import ClassVar

from celery.worker.consumer import Consumer as CelerysConsumer

LEFT_OUT = "celery.worker.consumer.delayed_delivery:DelayedDelivery"


class Consumer(CelerysConsumer):
    class Blueprint(CelerysConsumer.Blueprint):  # type: ignore[misc, valid-type]
        default_steps: ClassVar[list[str]] = [
            step for step in CelerysConsumer.Blueprint.default_steps if step != LEFT_OUT
        ]
