"""A connection to one broker of several, which stays with our transports when it goes on to the next."""

from typing import Any

import kombu

# By kombu's names: ours, and what they are to be told.
TRANSPORTS = {
    "redis": "jobs.transport.redis:Transport",
    "rediss": "jobs.transport.redis:Transport",
    "amqp": "jobs.transport.amqp:Transport",
    "pyamqp": "jobs.transport.amqp:Transport",
    "amqps": "jobs.transport.amqp:SSLTransport",
}


class Connection(kombu.Connection):
    def switch(self, conn_str: str) -> None:
        """Kombu takes the transport from the next broker's URL, whatever it was told."""
        super().switch(conn_str)
        self.transport_cls = TRANSPORTS.get(self.transport_cls, self.transport_cls)

    def as_uri(self, *args: Any, **kwargs: Any) -> str:
        """With the scheme that everybody knows: Flower finds the broker by it, and people read it in logs."""
        uri: str = super().as_uri(*args, **kwargs)
        ours = str(self.transport_cls)
        names = [name for name, transport in TRANSPORTS.items() if transport == ours]
        if names:
            secure = bool(self.ssl) and "rediss" in names
            uri = uri.replace(f"{ours}://", f"{'rediss' if secure else names[0]}://")
        return uri
