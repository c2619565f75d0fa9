"""What all faults have in common: aim until something is in flight, strike, last a while, heal."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar

from tests.chaos.plan import Planned
from tests.chaos.sight import Held, Sight
from tests.chaos.world import Worker, World
from tests.processes import Program

if TYPE_CHECKING:
    import random

T = TypeVar("T")
AIM = 8.0  # seconds to wait for something to be in flight
STEP = 0.01  # seconds between two looks


@dataclass(frozen=True)
class Hit:
    """What a fault has hit: in words, and the records that somebody has to bring to an end now."""

    evidence: str
    victims: list[str] = field(default_factory=list)


class Fault(ABC):
    """One fault against one target. `strike`, then `heal` whether or not it hit."""

    lasts: ClassVar[tuple[float, float]] = (0.5, 2.0)  # seconds from the strike to the healing, from and to
    others_go_on: ClassVar[bool] = True  # somebody else can do the victims' work, so recovery is due from the hit on
    for_all: ClassVar[bool] = False  # until it is healed, nobody can bring any job to an end

    def __init__(self, world: World, planned: Planned, sight: Sight) -> None:
        self.world = world
        self.sight = sight
        self.lane = planned.lane
        self.luck: random.Random = planned.luck()
        self.seconds = self.luck.uniform(*self.lasts)
        self.hit_at = 0.0  # seconds since the epoch

    @classmethod
    def impossible(cls, world: World) -> str:  # noqa: ARG003 - for those that ask
        """Why this machine cannot have this fault; empty where it can."""
        return ""

    @abstractmethod
    def strike(self) -> Hit | None:
        """Wait for something in flight, and hit it; None when nothing was, or it had just gone."""

    def heal(self) -> None:  # noqa: B027 - some faults are over with the blow
        """Take the fault away; also after a strike that missed or failed."""

    @property
    def target(self) -> str:
        return self.lane

    def now(self) -> None:
        """Note the time: the blow falls with the next line."""
        self.hit_at = time.time()

    # -- for strikes --------------------------------------------------------------------------------------------------

    @property
    def worker(self) -> Worker:
        return next(worker for worker in self.world.workers if worker.name == self.lane)

    @property
    def program(self) -> Program:
        assert self.worker.program
        return self.worker.program

    def in_hand(self) -> dict[int, Held]:
        """What each living child of the worker is working on."""
        living = set(self.program.children())
        return {pid: held for pid, held in self.sight.held_by_child(self.worker.claimant).items() if pid in living}

    def hit_in_hand(self, blow: Callable[[], None], *children: int) -> Hit | None:
        """Strike while the worker (or these children of it) has work in hand; what it still had afterwards was hit."""
        if not (found := aim(self.in_hand)):
            return None
        held = {id_: token for pid, jobs in found.items() if pid in children or not children
                for id_, token in jobs.items()}  # fmt: skip
        self.now()
        blow()
        victims = self.sight.still(held)
        return Hit(f"{len(victims)} records in processing", victims) if victims else None


def aim(look: Callable[[], T], seconds: float = AIM) -> T | None:
    """The first true value that `look` returns; None when there is none in time."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not (value := look()):
        if time.monotonic() > deadline:
            return None
        pause.wait(STEP)
    return value
