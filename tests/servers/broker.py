"""The broker of one pytest process, which tests may empty, kill and bring back, whatever broker it is."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from urllib.parse import urlsplit

import redis

from config.embedded import Valkey
from config.embedded.server import Server
from tests.servers.wire import keep_port

STRANGE = (
    b"not JSON",
    b"\xff\xfe",
    b"[1, 2]",
    b"{}",
    b'{"body": "x", "headers": {}, "properties": {}}',
    (
        b'{"properties": {"delivery_tag": "a", "delivery_info": {}},'
        b' "headers": {"task": "jobs.hint", "id": "x"}, "body": "e30="}'
    ),
)


class Broker(ABC):
    """A running broker, under one address however often it is stopped, killed and started again."""

    name: str

    def __init__(self, server: Server) -> None:
        self._server = server
        self.url = server.url
        self.directory = server.directory
        self._kept = ExitStack()

    @abstractmethod
    def length(self, queue: str) -> int:
        """How many messages wait in the queue; none where there is no such queue."""

    @abstractmethod
    def flush(self) -> None:
        """Every message is gone, and every queue."""

    @abstractmethod
    def put(self, queue: str, raw: bytes) -> None:
        """Put these bytes into the queue as they are, as a stranger might who knows nothing of Celery."""

    @abstractmethod
    def put_strange(self, queue: str) -> None:
        """Put messages into the queue that no worker can read, or that lack what every message has."""

    @abstractmethod
    def received(self) -> int:
        """How many messages have ever reached a queue, whether or not somebody took them since."""

    @abstractmethod
    def refuse(self) -> None:
        """Take no more messages, as one that is short of memory."""

    @abstractmethod
    def accept(self) -> None:
        """Take messages again."""

    @property
    def ports(self) -> list[int]:
        port = urlsplit(self.url).port
        assert port
        return [port]

    def kill(self) -> None:
        """SIGKILL, as a machine that goes down does."""
        self._server.kill()
        self._keep_ports()

    def stop(self) -> None:
        self._server.stop()
        self._keep_ports()

    def _keep_ports(self) -> None:
        """Nobody else may be given them meanwhile."""
        if not self._server.running:
            self._kept.close()
            for port in self.ports:
                self._kept.enter_context(keep_port(port=port))

    def close(self) -> None:
        """Stop it for good."""
        self._kept.close()
        self._server.close()

    def restart(self) -> None:
        """Start it again under the same address."""
        self._server.start()
        self._kept.close()

    def restore(self) -> None:
        """Leave a running broker behind, empty, whatever the test did to it."""
        self.restart()  # leaves a running one alone
        self.flush()


class RedisBroker(Broker):
    """A Valkey or a Redis."""

    name = "redis"

    def __init__(self, server: Valkey) -> None:
        super().__init__(server)

    @property
    def client(self) -> redis.Redis:
        """A connection for looking inside; every call opens a new one, because a kill breaks the old ones."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def length(self, queue: str) -> int:
        with self.client as client:
            return int(client.llen(queue))

    def flush(self) -> None:
        with self.client as client:
            client.flushall()

    def put(self, queue: str, raw: bytes) -> None:
        with self.client as client:
            client.lpush(queue, raw)

    def refuse(self) -> None:
        with self.client as client:
            client.config_set("maxmemory", "1")

    def accept(self) -> None:
        with self.client as client:
            client.config_set("maxmemory", "0")

    def put_strange(self, queue: str) -> None:
        for raw in STRANGE:
            self.put(queue, raw)

    def received(self) -> int:
        with self.client as client:
            return int(client.info("commandstats").get("cmdstat_lpush", {"calls": 0})["calls"])
