"""Debian's PostgreSQL and Redis behind the same interface as the wheels' servers: never the system's services."""

import subprocess
from pathlib import Path

from config.embedded import Postgres, Valkey
from config.embedded.children import start
from config.embedded.identity import Identity, choose
from tests.servers import debian

# What initdb has learned since PostgreSQL 15; `--locale C` alone means the same there.
UNKNOWN_TO_15 = ("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8")


class DebianPostgres(Postgres):
    """A cluster of our own, made by the newest PostgreSQL among Debian's packages."""

    @property
    def identity(self) -> Identity:
        if self.who is None:
            self.who = choose(debian.program("postgresql").parent.parent, self.directory)
        return self.who

    def run(self, program: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        return super().run(program, *(argument for argument in arguments if argument not in UNKNOWN_TO_15))


class DebianRedis(Valkey):
    """Debian's Redis, with the settings of the wheels' Valkey."""

    name = "redis"

    def launch(self) -> subprocess.Popen[bytes]:
        return start([debian.program("redis-server"), self.configuration], log=self.log)
