"""The servers of one pytest process, from the wheels or from Debian's packages."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import pytest

from config.embedded import Postgres, Valkey, places
from tests.janitor import Janitor
from tests.servers import debian
from tests.servers.broker import Broker, RedisBroker
from tests.servers.debian_servers import DebianPostgres, DebianRedis
from tests.servers.rabbitmq import RabbitMQ, RabbitMQBroker

NOT_HERE = "not on this machine:"
KINDS = {"the wheels": (Postgres, Valkey), "debian": (DebianPostgres, DebianRedis)}
# What the tests kill are processes, never the machine: the operating system keeps what was written without fsync.
FAST = {"fsync": "off", "full_page_writes": "off"}


class Servers:
    """Started when asked for, stopped together; none outlives this process."""

    def __init__(self) -> None:
        self.janitor = Janitor()
        self.postgres: Postgres | None = None
        self.broker: Broker | None = None
        self.kind = os.environ.get("JOBS_TEST_SERVERS", "the wheels")
        self.broker_kind = os.environ.get("JOBS_TEST_BROKER", RedisBroker.name)
        self._postgres_class, self._redis_class = KINDS[self.kind]

    def start_postgres(self) -> str:
        self.postgres = self._postgres_class(self.place(), settings=FAST).start()
        self._hand_over()
        return self.postgres.url

    def start_broker(self) -> Broker:
        if self.broker_kind == RabbitMQBroker.name:
            self.broker = RabbitMQBroker(RabbitMQ(self.place()).start())
        else:
            self.broker = RedisBroker(self._redis_class(self.place()).start())
        return self.broker

    def place(self) -> Path:
        """A new directory that goes with this process, however it ends."""
        place = places.make_place()
        self._hand_over()
        return place

    def _hand_over(self) -> None:
        """Leave every directory of this process to the janitor: those that the servers made for themselves too."""
        for place in places.held:
            self.janitor.remove(place)

    def stop(self) -> None:
        if self.broker:
            self.broker.close()
        if self.postgres:
            self.postgres.close()
        self._hand_over()
        self.janitor.finish()


def database_settings(url: str) -> dict[str, object]:
    """Django's settings for the address alone; what else the project sets stays."""
    parsed = dj_database_url.parse(url)
    return {name: parsed[name] for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT")}


def with_database(url: str, name: str) -> str:
    """The same server's address with another database."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


def require(package: str) -> Path:
    """The program of a Debian package. Where nobody may install it the test is skipped and named in the summary."""
    program = debian.installed(package)
    if program is None and debian.may_install():
        pytest.fail(f"Debian's {package} is missing: bin/test installs it.")
    if program is None:
        pytest.skip(f"{NOT_HERE} {package} is missing, and only root may install it")
    return program
