"""The benchmark's PostgreSQL, reached as applications reach theirs: by TCP, with a password.

A socket in a directory that nobody else may enter needs neither, but what a connection costs is part of what is
measured of a peer that makes one for each job.
"""

import secrets
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from config.embedded import Postgres
from config.embedded.postgres import USER
from config.embedded.valkey import LOOPBACK, free_port

# As Debian's packages have it for other hosts and for this one.
RULES = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"


class OverTcp(Postgres):
    """Durable, as the embedded one is."""

    def __init__(self, directory: Path) -> None:
        """Choose a port and a password, which are valid until it is closed."""
        self.port, self.password = free_port(), secrets.token_hex(16)
        super().__init__(directory, settings={"listen_addresses": LOOPBACK, "port": str(self.port)})

    @property
    def url(self) -> str:
        """The address by TCP."""
        netloc = f"{USER}:{self.password}@{LOOPBACK}:{self.port}"
        return urlsplit(super().url)._replace(netloc=netloc).geturl()

    def initialise(self) -> None:
        """Make a cluster that asks for a password, except through its socket."""
        super().initialise()
        (self.data / "pg_hba.conf").write_text(RULES)

    def start(self) -> Self:
        """Start it, and let the password be known."""
        super().start()
        with psycopg.connect(super().url, port=self.port, autocommit=True) as connection:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(USER), sql.Literal(self.password))
            connection.execute(statement)
        return self
