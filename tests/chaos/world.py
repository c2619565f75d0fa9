"""What a run consists of: servers, the programs of this project, callers, a vendor, and the wires between them."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlsplit

from tests.billing_sync.simulators import Simulator, start_simulator
from tests.chaos import isolation, pace
from tests.chaos.netns import Namespace
from tests.chaos.sight import Sight
from tests.chaos.ticking import Ticking
from tests.processes import ROOT, Program, Programs, wait_until
from tests.servers.session import FAST, KINDS, Servers
from tests.servers.wire import LOOPBACK, Wire

if TYPE_CHECKING:
    from config.embedded import Postgres
    from tests.servers.broker import Broker

SOCKET = ".s.PGSQL.5432"
# A small disk gets full soon; what is checkpointed early does not have to be replayed after a crash.
SMALL = {"max_wal_size": "64MB", "min_wal_size": "32MB", "shared_buffers": "32MB", "max_connections": "100"}
VENDOR_FAULTS = "server_error=0.01,timeout_after=0.004,reset_before=0.004,reset_after=0.008"
RATE = 9.0  # calls per second and caller: four children are kept busy, and keep up
CROWD, RELIEF = 60, 20  # open records at which callers are held, and let go again
START = 60  # seconds for a program on a busy machine


@dataclass
class Worker:
    """A place for a Celery worker with its own wires; the program in it changes."""

    name: str
    database: Wire
    broker: Wire
    vendor: Wire
    namespace: Namespace | None = None
    program: Program | None = None

    @property
    def claimant(self) -> str:
        """How the names of its claims begin."""
        return f"{self.name}@chaos/"

    @property
    def application(self) -> str:
        """How the names of its database connections begin."""
        return f"jobs {self.name}@chaos"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database.url,
            "BROKER_URL": self.broker.url,
            "LEDGERLY_URL": self.vendor.url,
            "PGAPPNAME": f"{self.application} django",  # libpq's word, for connections that name themselves nothing
        }

    def command(self) -> list[str]:
        celery = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", "-Q", pace.QUEUE]
        celery += ["-c", "2", "-n", f"{self.name}@chaos", "--without-mingle", "--without-gossip"]
        return [*(self.namespace.enter if self.namespace else ()), *celery]


@dataclass
class Caller:
    name: str
    generation: int = 0
    program: Program | None = None
    history: Path = Path()


class World:
    """Everything that runs, from `open` to `close`. Safe to call from the nemesis' threads: each has its own target."""

    def __init__(self, evidence: Path, broker_kind: str, seed: int, mistake: str = "") -> None:
        self.evidence = evidence
        self.seed = seed
        self._stack = ExitStack()
        self.servers = self._stack.enter_context(running(Servers()))
        self.servers.broker_kind = broker_kind
        self.place = self.servers.place()
        self.programs = Programs(evidence, lambda: self.environment, self.servers.janitor)
        self._stack.callback(self.programs.end)
        self.environment = self._environment(mistake)
        self.disk: Path | None = None
        self.postgres: Postgres
        self.broker: Broker
        self.vendor: Simulator
        self.callers_wire: Wire
        self.workers: list[Worker] = []
        self.relays: list[Program] = []
        self.beats: list[Program] = []
        self.ticking_from: datetime
        self.callers = [Caller("ann"), Caller("bob")]
        self.one_down = threading.Lock()  # held by a fault that takes a whole worker down, until another is up
        self._programs_lock = threading.Lock()
        self._spawned = 0

    def _environment(self, mistake: str) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "PYTHONUNBUFFERED": "1",
            "CHAOS_BREAK": mistake,
            "TMPDIR": str(self.place),
        }

    # -- up and down --------------------------------------------------------------------------------------------------

    def open(self) -> Self:
        self._start_servers()
        self._lay_wires()
        self.relays = [self.start_relay() for _ in range(2)]
        self.beats = [self.start_beat() for _ in range(2)]
        for worker in self.workers:
            self.start_worker(worker, ready=False)
        for worker in self.workers:
            self.wait_for_worker(worker)
        self.start_callers()
        return self

    def close(self) -> None:
        self._stack.close()

    def _start_servers(self) -> None:
        home = (isolation.DISK if isolation.inside() else self.place) / "postgres"
        home.mkdir()
        (self.evidence / "postgres.log").touch()
        (home / "postgres.log").symlink_to(self.evidence / "postgres.log")  # a full disk must be able to say so
        self.postgres = self.servers.postgres = KINDS[self.servers.kind][0](home, settings=FAST | SMALL)
        self.postgres.start()
        if isolation.inside() and self.postgres.data.is_relative_to(home):
            self.disk = home
        self.environment["DATABASE_URL"] = self.postgres.url
        migrating = [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v0"]
        migration = subprocess.Popen(migrating, cwd=ROOT, env=self.environment)
        self.broker = self.servers.start_broker()
        self.environment["BROKER_URL"] = self.broker.url
        options = ("--faults", VENDOR_FAULTS, "--seed", str(self.seed), "--hold", "3")
        self.vendor = start_simulator(self.programs, self.evidence / "ledger.sqlite3", *options)
        self.environment["LEDGERLY_URL"] = self.vendor.url
        assert migration.wait() == 0, "manage.py migrate failed"
        self.ticking_from = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5)
        ticking = [sys.executable, "-m", "tests.chaos.ticking", self.ticking_from.isoformat()]
        subprocess.run(ticking, cwd=ROOT, env=self.environment, check=True)

    def _lay_wires(self) -> None:
        namespace = None
        if isolation.inside():
            namespace = self._stack.enter_context(Namespace(self.programs))
        self.callers_wire = self._database_wire("callers")
        for name, where in (("w1", None), ("w2", namespace)):
            host = where.host if where else LOOPBACK
            database = self._database_tcp(host) if where else self._database_wire(name)
            vendor = self._port_wire(self.vendor.url, host)
            self.workers.append(Worker(name, database, self._port_wire(self.broker.url, host), vendor, where))

    def _database_wire(self, name: str) -> Wire:
        here = self.place / name
        here.mkdir()
        wire = self._stack.enter_context(Wire(self.postgres.sockets / SOCKET, here / SOCKET))
        wire.url = self.postgres.url.replace(quote(str(self.postgres.sockets), safe=""), quote(str(here), safe=""))
        return wire

    def _database_tcp(self, host: str) -> Wire:
        """To the same socket from another network, which a socket's file would lead around."""
        wire = self._stack.enter_context(Wire(self.postgres.sockets / SOCKET, host=host))
        address = quote(str(self.postgres.sockets), safe="")
        wire.url = self.postgres.url.replace(f"@{address}/", f"@{host}:{wire.port}/")
        return wire

    def _port_wire(self, url: str, host: str) -> Wire:
        port = urlsplit(url).port
        assert port
        wire = self._stack.enter_context(Wire(port, host=host))
        wire.url = url.replace(f"{LOOPBACK}:{port}", f"{host}:{wire.port}")
        return wire

    # -- programs -----------------------------------------------------------------------------------------------------

    def start_worker(self, worker: Worker, *, ready: bool = True, **extra: str) -> None:
        with self._programs_lock:
            worker.program = self._spawn(worker.name, *worker.command(), env=worker.environment | extra)
        if ready:
            self.wait_for_worker(worker)

    def wait_for_worker(self, worker: Worker) -> None:
        assert worker.program
        worker.program.wait_for_log(" ready.", START)

    def restart_worker(self, worker: Worker, **extra: str) -> None:
        if worker.program:
            self.retire(worker.program)
        self.start_worker(worker, **extra)

    def start_relay(self) -> Program:
        with self._programs_lock:
            relay = self._spawn("relay", sys.executable, "manage.py", "jobs", "relay")
        relay.wait_for_log("relay: ready", START)
        return relay

    def start_beat(self) -> Program:
        celery = [sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel", "INFO", "--pidfile", ""]
        with self._programs_lock:
            beat = self._spawn("beat", *celery)
        beat.wait_for_log("beat: Starting", START)
        return beat

    def start_callers(self) -> None:
        for caller in self.callers:
            self.start_caller(caller)
        for caller in self.callers:
            assert caller.program
            caller.program.wait_for_log("caller: ready", START)

    def start_caller(self, caller: Caller) -> None:
        caller.generation += 1
        name = f"{caller.name}{caller.generation}"
        caller.history = self.evidence / f"{name}.history"
        caller.history.touch()
        command = [sys.executable, "-m", "tests.chaos.caller", "--name", name, "--seed", f"{self.seed}/{name}"]
        command += ["--rate", str(RATE), "--history", str(caller.history), "--stop", str(self.place / "stop")]
        environment = {"DATABASE_URL": self.callers_wire.url, "PGAPPNAME": f"caller {name}"}
        with self._programs_lock:
            caller.program = self._spawn("caller", *command, "--hold", str(self.hold), env=environment)

    def _spawn(self, name: str, *command: str, env: dict[str, str] | None = None) -> Program:
        """Under a name that no program of this run has had, as its log is kept by it."""
        self._spawned += 1
        return self.programs.spawn(f"{name}-{self._spawned:03}", *command, env=env)

    def retire(self, program: Program) -> None:
        """Kill it with its descendants, and forget its number, which may soon be somebody else's."""
        program.kill()
        with self._programs_lock:
            self.servers.janitor.forget(program.pid)
            self.programs.started.remove(program)

    # -- load ---------------------------------------------------------------------------------------------------------

    @property
    def hold(self) -> Path:
        """While this file is there, callers rest."""
        return self.place / "hold"

    def sight(self) -> Sight:
        return Sight(self.postgres)

    def calm(self, sight: Sight) -> Ticking:
        """Let callers and beats rest, when none of them has anything to do; returns what must have ticked."""
        self.hold.touch()
        wait_until(lambda: all(map(answered, self.callers)), 60, "callers have their answers")
        with suppress(AssertionError):  # a tick that was missed is the judge's to name
            wait_until(lambda: not sight.due_ticks(), 60)
        until = datetime.now(UTC)
        for beat in self.beats:
            beat.freeze()
        return Ticking(self.ticking_from, until - timedelta(seconds=1), datetime.now(UTC))

    def stir(self) -> None:
        """The end of calm."""
        self.hold.unlink(missing_ok=True)
        for beat in self.beats:
            beat.thaw()

    def ended_by_themselves(self) -> list[str]:
        """Programs that nobody killed, and that are gone all the same."""
        programs = [holder.program for holder in (*self.workers, *self.callers)]
        programs += [*self.relays, *self.beats]
        return [f"{p.name} ended: {p.log()[-2000:]}" for p in programs if p and not p.alive]

    def audit(self) -> list[str]:
        """What the product's own audit finds broken: beside the judge, never instead of him."""
        command = [sys.executable, "manage.py", "jobs", "verify", "--json"]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        return [] if done.returncode == 0 else [done.stdout + done.stderr]


def answered(caller: Caller) -> bool:
    """Whether its last call was answered; a dead caller gets none."""
    assert caller.program
    last = caller.history.read_text().rpartition("\n")[0].rpartition("\n")[2]
    return '"op": "invoke"' not in last or not caller.program.alive


@contextmanager
def running(servers: Servers) -> Iterator[Servers]:
    try:
        yield servers
    finally:
        servers.stop()
