"""PostgreSQL stops at once, dies, or has no room left."""

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.chaos.nemesis.fault import Fault, Hit, aim
from tests.chaos.world import World
from tests.processes import wait_until

PIECES = (1 << 26, 1 << 20, 1 << 14, 1 << 12)  # bytes
FULL = "No space left on device"


class PostgresImmediate(Fault):
    """`pg_ctl stop -m immediate`, or SIGKILL, in the middle of statements; started again after a while."""

    lasts = (0.2, 2.0)
    others_go_on = False
    for_all = True

    def strike(self) -> Hit | None:
        if not (busy := aim(self.sight.busy_backends)):
            return None
        victims = self.in_flight()
        self.now()
        if self.luck.random() < 0.5:
            self.world.postgres.kill()
        else:
            assert self.world.postgres.process
            self.world.postgres.process.send_signal(signal.SIGQUIT)
            self.world.postgres.process.wait()
        return Hit(f"{busy} connections at work, {len(victims)} records due or in processing", victims)

    def in_flight(self) -> list[str]:
        return [*self.sight.held_by(""), *self.sight.due()]

    def heal(self) -> None:
        self.world.postgres.start()


class DiskFull(PostgresImmediate):
    """Its disk, a small one in memory, is filled to the last byte and freed. It counts when PostgreSQL noticed."""

    lasts = (0.5, 2.5)

    @classmethod
    def impossible(cls, world: World) -> str:
        return "" if world.disk else "needs root, and a kernel that lets it mount a small disk"

    def strike(self) -> Hit | None:
        if not aim(self.sight.busy_backends):
            return None
        before, victims = self.complaints(), self.in_flight()
        self.now()
        self.fill()
        if not aim(lambda: self.complaints() > before):
            return None
        return Hit(f"{self.complaints() - before} complaints, {len(victims)} records due or in processing", victims)

    def fill(self) -> None:
        """In pieces that get smaller: PostgreSQL takes what it can get meanwhile."""
        with self.ballast.open("wb") as file:
            for piece in PIECES:
                with suppress(OSError):
                    while True:
                        os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), piece)

    def complaints(self) -> int:
        return self.world.postgres.log.read_text(errors="replace").count(FULL)

    @property
    def ballast(self) -> Path:
        assert self.world.disk
        return self.world.disk / "ballast"

    def heal(self) -> None:
        self.ballast.unlink(missing_ok=True)
        self.world.postgres.start()  # it panics where the write-ahead log itself found no room
        wait_until(self.world.postgres.ready, 30, "PostgreSQL answers again")
