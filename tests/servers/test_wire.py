"""A wire can be cut, frozen and healed, and nobody else notices."""

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.processes import wait_until
from tests.servers.broker import Broker
from tests.servers.wire import Wire

SHORT = 1.0  # seconds; what goes through a wire that is whole takes milliseconds


def impatient(url: str) -> redis.Redis:
    """A client that waits so long for an answer, and asks once."""
    return redis.Redis.from_url(url, socket_timeout=SHORT, single_connection_client=True, retry=Retry(NoBackoff(), 0))


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
    with impatient(broker_wire.url) as client:
        client.ping()
        broker_wire.freeze()
        with pytest.raises(redis.TimeoutError):
            client.rpush("default", "late")
        assert broker.length("default") == 0
        broker_wire.thaw()
        wait_until(lambda: broker.length("default") == 1)


def test_a_half_open_wire_is_silent_on_old_connections_and_carries_new_ones(broker_wire: Wire) -> None:
    with impatient(broker_wire.url) as old:
        old.ping()
        broker_wire.half_open()
        with redis.Redis.from_url(broker_wire.url) as new:
            new.ping()
        with pytest.raises(redis.TimeoutError):
            old.ping()
        wait_until(lambda: broker_wire.swallowed)


def test_a_wire_that_loses_answers_delivers_what_was_said(broker_wire: Wire, broker: Broker) -> None:
    with impatient(broker_wire.url) as client:
        client.ping()
        broker_wire.lose_answers()
        with pytest.raises(redis.TimeoutError):
            client.rpush("default", "done, and nobody knows")
        wait_until(lambda: broker.length("default") == 1)
        broker_wire.heal()
        client.ping()


def test_a_slow_wire_delivers_late(broker_wire: Wire) -> None:
    with impatient(broker_wire.url) as client:
        client.ping()
        broker_wire.slow(3 * SHORT)
        with pytest.raises(redis.TimeoutError):
            client.ping()
        wait_until(lambda: broker_wire.delayed)
        broker_wire.heal()
        client.ping()
