"""Where one scenario meets one system: an empty database, an empty broker, and real processes to kill."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from config.embedded import Postgres, Valkey
from config.embedded.places import make_place
from tests.janitor import Janitor
from tests.peers.systems import System
from tests.processes import ROOT, Program, Programs, wait_until
from tests.servers.broker import RedisBroker

PROJECTS = Path(__file__).parent / "projects"
EFFECTS = "CREATE TABLE effect (name text, at timestamptz DEFAULT clock_timestamp())"


class Servers:
    """One durable PostgreSQL and one Valkey for all scenarios."""

    def __init__(self, postgres: Postgres, broker: RedisBroker, janitor: Janitor, place: Path) -> None:
        self.postgres, self.broker, self.janitor, self.place = postgres, broker, janitor, place
        self._count = 0

    def connect(self, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=self._host, user=self._user, dbname=database, autocommit=True)

    @property
    def _host(self) -> str:
        return str(self.postgres.sockets)

    @property
    def _user(self) -> str:
        return self.postgres.url.partition("://")[2].partition("@")[0]

    def create(self, database: str, template: str = "template1") -> None:
        with self.connect("postgres") as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(template))
            )

    def environment(self, system: System, database: str, go: Path) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        return {
            **inherited,
            "PGHOST": self._host,
            "PGUSER": self._user,
            "PGDATABASE": database,
            "PEERS_BROKER_URL": self.broker.url,
            "RELIER_REDIS_URL": self.broker.url,
            "PEERS_GO": str(go),
            "PYTHONPATH": f"{PROJECTS}:{ROOT}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **system.environment,
        }

    @contextmanager
    def stage(self, system: System) -> Iterator["Stage"]:
        """A stage for one scenario; the first one of a system migrates its template."""
        self._count += 1
        template, database = f"{system.project}_template", f"{system.project}_{self._count}"
        place = self.place / f"stage-{self._count}"
        place.mkdir()
        go = place / "go"
        self.broker.flush()
        if not self._has(template):
            self.create(template)
            with self.connect(template) as connection:
                connection.execute(EFFECTS)
            ask(system, self.environment(system, template, go), "migrate")
        self.create(database, template)
        programs = Programs(place, lambda: self.environment(system, database, go), self.janitor)
        try:
            with self.connect(database) as connection:
                yield Stage(system, self, programs, connection, self.environment(system, database, go))
            for program in programs:
                assert program.alive or not program.name.startswith("helper"), program.log()[-3000:]
        finally:
            programs.end()
            self.broker.restore()

    def _has(self, database: str) -> bool:
        with self.connect("postgres") as connection:
            return connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).fetchone() is not None


class Stage:
    """What scenarios do to a system."""

    def __init__(
        self,
        system: System,
        servers: Servers,
        programs: Programs,
        connection: psycopg.Connection[Any],
        environment: dict[str, str],
    ) -> None:
        self.system, self.broker = system, servers.broker
        self._programs, self._connection, self._environment = programs, connection, environment

    def ask(self, verb: str, *words: object) -> Any:
        """A verb of the project's driver."""
        return ask(self.system, self._environment, verb, *words)

    def enqueue(self, body: str, name: str, count: int = 1) -> list[dict[str, Any]]:
        """Ask for jobs in one transaction; answers with the id and the state that the caller is told."""
        found: list[dict[str, Any]] = self.ask("enqueue", body, name, count)
        return found

    def state(self, job: dict[str, Any]) -> str:
        return str(self.ask("state", job["id"]))

    def ended(self, state: str) -> bool:
        return state.split(" (", maxsplit=1)[0] in self.system.ends

    def helpers(self) -> None:
        """Start what the system wants beside its workers."""
        for arguments in self.system.helpers:
            self._programs.spawn("helper", str(self.system.python), *arguments)

    def worker(self, *, ready: bool = True) -> Program:
        options = [word.format(number=len(self._programs.started)) for word in self.system.worker]
        program = self._programs.spawn("worker", str(self.system.python), *options)
        if ready:
            program.wait_for_log(self.system.ready, 60)
        return program

    def effects(self, name: str = "%") -> int:
        row = self._connection.execute("SELECT count(*) FROM effect WHERE name LIKE %s", [name]).fetchone()
        assert row
        return int(row[0])

    def let_go(self) -> None:
        Path(self._environment["PEERS_GO"]).touch()

    def hold_again(self) -> None:
        Path(self._environment["PEERS_GO"]).unlink()

    def forget(self) -> None:
        """SIGKILL the broker and start it again with nothing on its disk."""
        self.broker.kill()
        shutil.rmtree(Path(self.broker.directory, "appendonlydir"), ignore_errors=True)
        self.broker.restart()


def ask(system: System, environment: dict[str, str], verb: str, *words: object) -> Any:
    command = [str(system.python), "-m", "verbs", system.project, verb, *map(str, words)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{system.name}: {verb} {words}\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def opened() -> Iterator[Servers]:
    """Servers that are gone afterwards, even if this process is killed."""
    janitor, place = Janitor(), make_place()
    janitor.remove(place)
    with Postgres(place / "postgres") as postgres, Valkey(place / "valkey") as valkey:
        janitor.remove(postgres.sockets.parent)
        yield Servers(postgres, RedisBroker(valkey), janitor, place)


def seen(predicate: Any, patience: float) -> bool:
    """Whether it became true within `patience` seconds."""
    try:
        wait_until(predicate, patience)
    except AssertionError:
        return False
    return True
