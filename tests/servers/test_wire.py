"""A wire can be cut, frozen and healed, and nobody else notices."""

import psycopg
import pytest
import redis

from tests.processes import wait_until
from tests.servers.broker import Broker
from tests.servers.wire import Wire


def test_a_cut_wire_to_the_database_breaks_connections_and_refuses_new_ones(database_wire: Wire, database: str) -> None:
    through = psycopg.connect(database_wire.url)
    database_wire.cut()
    with pytest.raises(psycopg.OperationalError):
        through.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database_wire.url)
    with psycopg.connect(database) as direct:
        assert direct.execute("SELECT 1").fetchone() == (1,)


def test_a_healed_wire_carries_again(database_wire: Wire) -> None:
    database_wire.cut()
    database_wire.heal()
    with psycopg.connect(database_wire.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_frozen_wire_keeps_its_connections_and_delivers_later(broker_wire: Wire, broker: Broker) -> None:
    with redis.Redis.from_url(broker_wire.url, socket_timeout=0.2) as client:
        client.ping()
        broker_wire.freeze()
        with pytest.raises(redis.TimeoutError):
            client.rpush("default", "late")
        assert broker.length("default") == 0
        broker_wire.thaw()
        wait_until(lambda: broker.length("default") == 1)
