"""The nemesis at work: the faults of a lane one after the other, the lanes beside each other."""

import json
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.chaos.nemesis import FAULTS
from tests.chaos.plan import KINDS, Planned, plan
from tests.chaos.recovery import Landed
from tests.chaos.sight import Sight
from tests.chaos.world import World

if TYPE_CHECKING:
    from tests.chaos.nemesis.fault import Hit

LOOK = 0.2  # seconds between two looks at how it goes


@dataclass(frozen=True)
class Orders:
    """Which faults of the seed's plan are to be inflicted."""

    seed: int
    kinds: Collection[str]
    only: Collection[str] = ()  # names of single faults, as `w1:3`; empty: all
    until: int | None = None  # in each lane, those before this place

    def faults(self, lane: str, start: int) -> Iterator[Planned]:
        last = self._last_place(lane)
        for planned in plan(self.seed, lane, self.kinds, start):
            if last is not None and planned.place > last:
                return
            if not self.only or planned.name in self.only:
                yield planned

    def _last_place(self, lane: str) -> int | None:
        if self.only:
            places = [int(name.partition(":")[2]) for name in self.only if name.startswith(f"{lane}:")]
            return max(places, default=-1)
        return None if self.until is None else self.until - 1


@dataclass
class War:
    """Faults inflicted so far. `places` says for each lane which fault of the plan comes next."""

    world: World
    orders: Orders
    log: Path
    places: dict[str, int] = field(default_factory=dict)
    landed: list[Landed] = field(default_factory=list)
    missed: Counter[str] = field(default_factory=Counter)
    given_up: threading.Event = field(default_factory=threading.Event)
    errors: list[str] = field(default_factory=list)

    def wage(self, quota: int, watch: Callable[[], None]) -> bool:
        """Inflict until `quota` faults have landed in all, or `given_up`; all are healed then.

        `watch` is called a few times a second. Returns False where the plan has no more faults.

        Raises:
            RuntimeError: a fault could not be inflicted or healed.
        """
        peace, rest = threading.Event(), threading.Event()
        lanes = [threading.Thread(target=self._lane, args=(lane, peace), name=f"lane {lane}") for lane in KINDS]
        for lane in lanes:
            lane.start()
        while any(lane.is_alive() for lane in lanes):
            if len(self.landed) >= quota or self.given_up.is_set() or self.errors:
                peace.set()
            watch()
            rest.wait(LOOK)
        if self.errors:
            raise RuntimeError("\n".join(self.errors))
        return peace.is_set()

    def impossible(self) -> dict[str, str]:
        """The kinds that were asked for and that this machine cannot have, with the reason."""
        found = {kind: FAULTS[kind].impossible(self.world) for kind in sorted(self.orders.kinds)}
        return {kind: why for kind, why in found.items() if why}

    def _lane(self, lane: str, peace: threading.Event) -> None:
        try:
            with closing(self.world.sight()) as sight:
                for planned in self.orders.faults(lane, self.places.get(lane, 0)):
                    if peace.wait(planned.rest):
                        return
                    if not FAULTS[planned.kind].impossible(self.world):
                        self._inflict(planned, sight, peace)
                    self.places[lane] = planned.place + 1
        except Exception:  # noqa: BLE001 - told to whoever wages the war
            self.errors.append(f"lane {lane}: {traceback.format_exc()}")

    def _inflict(self, planned: Planned, sight: Sight, peace: threading.Event) -> None:
        fault = FAULTS[planned.kind](self.world, planned, sight)
        hit: Hit | None = None
        try:
            hit = fault.strike()
            if hit:
                peace.wait(fault.seconds)
        finally:
            fault.heal()
        if hit is None:
            self.missed[planned.kind] += 1
            self._write(planned.name, planned.kind, "missed", time.time())
            return
        landed = Landed(planned.name, planned.kind, fault.target, hit.evidence, fault.hit_at, time.time(),
                        fault.others_go_on, fault.for_all, hit.victims)  # fmt: skip
        self.landed.append(landed)
        self._write(*asdict(landed).values())

    def _write(self, *what: object) -> None:
        with self.log.open("a") as log:
            log.write(json.dumps(what) + "\n")
