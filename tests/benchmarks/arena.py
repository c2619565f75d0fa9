"""Servers of the benchmark's own, and what all contenders share."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import redis

from config.embedded import Postgres, Valkey
from config.embedded.places import make_place
from tests.benchmarks.body import Counter
from tests.benchmarks.environment import COUNTER, STOCK_BROKER
from tests.benchmarks.postgres import OverTcp
from tests.janitor import Janitor
from tests.processes import Programs

SHARED_MEMORY = Path("/dev/shm")
DATABASES = 16  # of a Valkey
OURS, PRISTINE = "ours", "pristine"  # databases; the second is migrated and empty, to be copied


@dataclass(frozen=True)
class Arena:
    """One durable PostgreSQL and one Valkey for everybody, each with databases of their own."""

    programs: Programs
    counter: Counter
    servers: dict[str, int]
    postgres_url: str
    broker_url: str
    _brokers: Iterator[int] = field(default_factory=lambda: cycle(range(2, DATABASES)))

    def database(self, name: str, template: str = "template1") -> str:
        """Make it where it is missing; returns its URL."""
        with self.connect("postgres") as connection:
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount:
                connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url_of(name)

    def url_of(self, database: str) -> str:
        return urlsplit(self.postgres_url)._replace(path=f"/{database}").geturl()

    def connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.url_of(database), autocommit=True)

    def empty_broker(self) -> str:
        """A database of Valkey that nobody else of this work uses; returns its URL."""
        url = self.broker(next(self._brokers))
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url

    def broker(self, number: int) -> str:
        return urlsplit(self.broker_url)._replace(path=f"/{number}").geturl()


@contextmanager
def opened(*, socket: bool = False) -> Iterator[Arena]:
    """A durable PostgreSQL, migrated, and a Valkey; all gone afterwards, even if this process is killed.

    `socket`: PostgreSQL is reached through one, without a password, and not as applications reach theirs.
    """
    janitor, place = Janitor(), make_place()
    janitor.remove(place)
    counter = Counter((SHARED_MEMORY if SHARED_MEMORY.is_dir() else place) / f"{place.name}-counter")
    janitor.remove(counter.path)
    reached = Postgres if socket else OverTcp
    with reached(place / "postgres") as postgres, Valkey(place / "valkey") as valkey:
        janitor.remove(postgres.sockets.parent)
        programs = Programs(place, lambda: {**os.environ}, janitor)
        servers = {"postgres": postgres.process.pid, "broker": valkey.process.pid}
        arena = Arena(programs, counter, servers, postgres.url, valkey.url)
        _set_environment(arena)
        _migrate()
        arena.database(PRISTINE, OURS)
        try:
            yield arena
        finally:
            programs.end()
            counter.path.unlink()


def _set_environment(arena: Arena) -> None:
    os.environ |= {
        "DATABASE_URL": arena.database(OURS),
        "BROKER_URL": arena.broker(0),
        STOCK_BROKER: arena.broker(1),
        COUNTER: str(arena.counter.path),
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "PYTHONUNBUFFERED": "1",
    }


def _migrate() -> None:
    import django
    from django.core.management import call_command
    from django.db import connections

    django.setup()
    call_command("migrate", verbosity=0, stdout=sys.stderr)
    connections.close_all()  # it is about to be copied
