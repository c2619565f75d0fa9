"""The broker of one pytest process, which tests may empty, kill and bring back."""

import redis

from config.embedded import Valkey


class Broker:
    """A running Valkey or Redis."""

    def __init__(self, server: Valkey) -> None:
        self._server = server
        self.url = server.url
        self.directory = server.directory

    @property
    def client(self) -> redis.Redis:
        """A connection for looking inside; every call opens a new one, because a kill breaks the old ones."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def length(self, queue: str) -> int:
        """How many messages wait in the queue."""
        with self.client as client:
            return int(client.llen(queue))

    def flush(self) -> None:
        """FLUSHALL: every message is gone."""
        with self.client as client:
            client.flushall()

    def kill(self) -> None:
        """SIGKILL, as a machine that goes down does."""
        self._server.kill()

    def stop(self) -> None:
        self._server.stop()

    def close(self) -> None:
        """Stop it for good."""
        self._server.close()

    def restart(self) -> None:
        """Start it again under the same address."""
        self._server.start()

    def restore(self) -> None:
        """Leave a running broker behind, whatever the test did to it."""
        try:
            self.flush()
        except redis.ConnectionError:
            self.restart()
            self.flush()
