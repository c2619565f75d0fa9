"""The wheels' and Debian's servers behave alike: started, killed and started again, under one address."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from config.embedded import Postgres, Valkey
from tests.servers.broker import Broker
from tests.servers.debian_servers import DebianPostgres, DebianRedis
from tests.servers.session import require


@pytest.fixture(params=["wheel", "debian"])
def postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Postgres]:
    if request.param == "debian":
        require("postgresql")
    with {"wheel": Postgres, "debian": DebianPostgres}[request.param](tmp_path) as server:
        yield server


@pytest.fixture(params=["wheel", "debian"])
def own_broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "debian":
        require("redis-server")
    with {"wheel": Valkey, "debian": DebianRedis}[request.param](tmp_path) as server:
        yield Broker(server)


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
    with pytest.raises(redis.ConnectionError):
        own_broker.flush()
    own_broker.restart()
    with own_broker.client as client:
        client.rpush("default", "hint")
    assert own_broker.length("default") == 1


def test_a_broker_is_left_running_and_empty_whatever_a_test_did_to_it(own_broker: Broker) -> None:
    with own_broker.client as client:
        client.rpush("default", "hint")
    own_broker.kill()
    own_broker.restore()
    assert own_broker.length("default") == 0
