"""Servers of the benchmark's own, and the environment in which both contenders run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from config.embedded import Postgres, Valkey
from config.embedded.places import make_place
from tests.benchmarks.body import Counter
from tests.benchmarks.environment import COUNTER, STOCK_BROKER
from tests.janitor import Janitor
from tests.processes import Programs

SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Arena:
    programs: Programs
    counter: Counter
    servers: dict[str, int]


@contextmanager
def opened() -> Iterator[Arena]:
    """A durable PostgreSQL, migrated, and a Valkey; all gone afterwards, even if this process is killed."""
    janitor, place = Janitor(), make_place()
    janitor.remove(place)
    counter = Counter((SHARED_MEMORY if SHARED_MEMORY.is_dir() else place) / f"{place.name}-counter")
    janitor.remove(counter.path)
    with Postgres(place / "postgres") as postgres, Valkey(place / "valkey") as valkey:
        janitor.remove(postgres.sockets.parent)
        _set_environment(postgres, valkey, counter)
        _migrate()
        programs = Programs(place, lambda: {**os.environ}, janitor)
        try:
            yield Arena(programs, counter, {"postgres": postgres.process.pid, "broker": valkey.process.pid})
        finally:
            programs.end()
            counter.path.unlink()


def _set_environment(postgres: Postgres, valkey: Valkey, counter: Counter) -> None:
    os.environ |= {
        "DATABASE_URL": postgres.url,
        "BROKER_URL": valkey.url,
        STOCK_BROKER: urlsplit(valkey.url)._replace(path="/1").geturl(),
        COUNTER: str(counter.path),
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "PYTHONUNBUFFERED": "1",
    }


def _migrate() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, stdout=sys.stderr)
