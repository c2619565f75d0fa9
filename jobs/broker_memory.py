"""How full the broker's memory is, as relays see it: what is full takes no hint, and jobs wait until it does again."""

import time
from typing import Any

from jobs import hints, pulses
from jobs.own_connection import OwnConnection
from jobs.transport.amqp import Blocked

EVERY = 10.0  # seconds between two looks: a broker fills up within minutes


class BrokerMemory:
    """One relay's looks. A broker that is away or says nothing leaves no news, and older news count no more."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._looked = -float("inf")
        self._blocked = False

    def failed(self, error: Exception) -> None:
        """A hint was not taken. RabbitMQ says how full it is by nothing else, and then to senders alone."""
        self._blocked |= isinstance(error, Blocked)

    def due(self, own: OwnConnection) -> None:
        if time.monotonic() - self._looked < EVERY:
            return
        self._looked, blocked, self._blocked = time.monotonic(), self._blocked, False
        try:
            share = 1.0 if blocked else hints.with_broker(used)
        except Exception:  # noqa: BLE001 - whatever the broker's client throws means that it is away
            return
        if share is not None:
            own.once(lambda c: pulses.beat(c, pulses.BROKER, self._name, share))


def used(connection: Any) -> float | None:
    """The share of its memory that a Redis uses; 0 for a RabbitMQ that takes hints; None where there is no bound."""
    channel = connection.default_channel
    if not hasattr(channel, "client"):
        return 0.0
    told: dict[str, int] = channel.client.info("memory")
    return min(1.0, told["used_memory"] / bound) if (bound := told.get("maxmemory")) else None
