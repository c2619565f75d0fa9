"""The wheels' and Debian's servers behave alike: started, killed and started again, under one address."""

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from kombu import Connection, Queue

from config.embedded import Postgres, Valkey
from tests.servers.broker import Broker, RedisBroker
from tests.servers.debian_servers import DebianPostgres, DebianRedis
from tests.servers.rabbitmq import RabbitMQ, RabbitMQBroker
from tests.servers.session import require

QUORUM = {"x-queue-type": "quorum"}
REDISES = {"wheel": (Valkey, None), "debian": (DebianRedis, "redis-server")}


@pytest.fixture(params=["wheel", "debian"])
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Postgres]:
    if request.param == "debian":
        require("postgresql")
    with {"wheel": Postgres, "debian": DebianPostgres}[request.param](tmp_path) as server:
        yield server


@pytest.fixture(params=["wheel", "debian", "rabbitmq"])
def own_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "rabbitmq":
        require("rabbitmq-server")
        with RabbitMQ(tmp_path) as rabbit:
            yield RabbitMQBroker(rabbit)
        return
    redis_class, package = REDISES[request.param]
    if package:
        require(package)
    with redis_class(tmp_path) as server:
        yield RedisBroker(server)


def test_a_killed_postgres_comes_back_under_its_address_with_what_was_committed(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(postgres.url)
    postgres.start()
    with psycopg.connect(postgres.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_postgres_is_one_that_the_product_supports(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url) as connection:
        assert connection.info.server_version >= 140000


def test_a_killed_broker_comes_back_under_its_address(own_broker: Broker) -> None:
    own_broker.kill()
    with pytest.raises(OSError, match="refused"), socket.create_connection(address(own_broker)):
        pass
    own_broker.restart()
    declare(own_broker, "default")
    own_broker.put("default", b"hint")
    assert own_broker.length("default") == own_broker.received() == 1


def test_a_broker_is_left_running_and_empty_whatever_a_test_did_to_it(own_broker: Broker) -> None:
    declare(own_broker, "default")
    own_broker.put("default", b"hint")
    own_broker.kill()
    own_broker.restore()
    assert own_broker.length("default") == 0


def address(broker: Broker) -> tuple[str, int]:
    parts = urlsplit(broker.url)
    assert parts.hostname
    assert parts.port
    return parts.hostname, parts.port


def declare(broker: Broker, queue: str) -> None:
    """Kombu's way, which works on any broker."""
    with Connection(broker.url) as connection:
        Queue(queue, durable=True, queue_arguments=QUORUM)(connection.default_channel).declare()
