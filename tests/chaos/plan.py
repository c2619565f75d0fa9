"""Which faults a seed means, in which order, on whom: decided before anything runs, so that a run can be repeated."""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass

# Lanes are what can be hurt independently of each other: one fault at a time in each, each at its own pace.
W1, W2, RELAY, BROKER, DATABASE, CALLERS, VENDOR = "w1", "w2", "relay", "broker", "database", "callers", "vendor"
BEAT = "beat"

# Each kind with its weight among those of its lane.
ON_A_WORKER = {
    "kill_worker_parent": 2,
    "kill_worker_child": 5,
    "kill_worker_group": 2,
    "stop_worker": 2,
    "stop_child": 3,
    "database_half_open": 2,
    "database_answer_lost": 3,
    "broker_half_open": 2,
    "broker_slow": 2,
    "kill_backend": 3,
    "clock_skew": 1,
}
KINDS: dict[str, dict[str, int]] = {
    W1: ON_A_WORKER,
    W2: ON_A_WORKER | {"netns_cut": 3},
    RELAY: {"kill_relay": 1, "stop_relay": 1},
    BEAT: {"kill_beat": 2, "stop_beat": 1},
    BROKER: {"broker_flush": 3, "broker_kill": 2},
    DATABASE: {"postgres_immediate": 2, "disk_full": 1},
    CALLERS: {"kill_caller": 2, "caller_answer_lost": 3, "kill_caller_backend": 2},
    VENDOR: {"vendor_answer_lost": 2, "vendor_slow": 1},
}
ALL = sorted({kind for kinds in KINDS.values() for kind in kinds})
# Seconds of peace between two faults of a lane, from and to: what stops everybody is rare, or nothing else would ever
# find something in flight.
RESTS: dict[str, tuple[float, float]] = {
    W1: (0.5, 2.5),
    W2: (0.5, 2.5),
    RELAY: (5, 11),
    BEAT: (3, 7),
    BROKER: (5, 11),
    DATABASE: (10, 18),
    CALLERS: (4, 8),
    VENDOR: (4, 9),
}


@dataclass(frozen=True)
class Planned:
    """One fault to come: the `place`th of its lane."""

    seed: int
    lane: str
    place: int
    kind: str
    rest: float  # seconds before it

    @property
    def name(self) -> str:
        return f"{self.lane}:{self.place}"

    def luck(self) -> random.Random:
        """The draws of this fault alone, whatever else runs."""
        return random.Random(f"{self.seed}/{self.name}/{self.kind}")


def plan(seed: int, lane: str, kinds: Collection[str] = ALL, start: int = 0) -> Iterator[Planned]:
    """The lane's faults from place `start` on, for ever; those of other kinds are left out and keep their places.

    Nothing at all where the lane knows none of the kinds.
    """
    mine = KINDS[lane]
    if not set(mine) & set(kinds):
        return
    luck = random.Random(f"{seed}/{lane}")
    place = 0
    while True:
        kind = luck.choices(list(mine), list(mine.values()))[0]
        rest = luck.uniform(*RESTS[lane])
        if place >= start and kind in kinds:
            yield Planned(seed, lane, place, kind, rest)
        place += 1


def check_kinds(kinds: Collection[str]) -> None:
    """Raises ValueError for one that is unknown."""
    if unknown := set(kinds) - set(ALL):
        raise ValueError(f"unknown kinds of faults: {', '.join(sorted(unknown))}. Known are {', '.join(ALL)}.")
