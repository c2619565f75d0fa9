"""A worker whose clock is wrong."""

from pathlib import Path

from tests.chaos.nemesis.fault import Fault, Hit, aim
from tests.chaos.world import World
from tests.servers import debian

SKEWED = Path(__file__).parents[1] / "skewed"
PACKAGE = "libfaketime"
OFFSETS = ("+1h", "-1h")
AT_WORK = 25.0  # seconds to start and take its first job


class ClockSkew(Fault):
    """The worker is killed and comes back an hour ahead or behind; it counts when it has taken jobs like that.

    Its monotonic clock stays right, as it does on a real machine whose wall clock is set.
    """

    lasts = (1.0, 3.0)

    @classmethod
    def impossible(cls, world: World) -> str:  # noqa: ARG003 - it is the machine's
        return "" if debian.installed(PACKAGE) else f"needs Debian's {PACKAGE}"

    def strike(self) -> Hit | None:
        offset, since = self.luck.choice(OFFSETS), self.sight.now()
        self.world.one_down.acquire()
        self.now()
        self.world.restart_worker(self.worker, **skewed(debian.program(PACKAGE), offset))
        since = since or aim(self.sight.now)
        taken = since and aim(lambda: self.sight.started(self.worker.claimant, since), AT_WORK)
        return Hit(f"{taken} jobs taken with a clock at {offset}") if taken else None

    def heal(self) -> None:
        try:
            self.world.restart_worker(self.worker)
        finally:
            self.world.one_down.release()


def skewed(library: Path, offset: str) -> dict[str, str]:
    """The environment of a Python program whose clock is wrong by the offset, as `+1h`."""
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": offset,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": str(SKEWED),
    }
