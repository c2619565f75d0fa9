"""How long it took until what a fault had hit came to its end."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from statistics import quantiles

Span = tuple[float, float]


@dataclass(frozen=True)
class Landed:
    """One fault that hit something. Times are seconds since the epoch, by the one clock of the machine."""

    name: str  # its place in the plan
    kind: str
    target: str
    evidence: str
    hit_at: float
    healed_at: float
    others_go_on: bool = True
    for_all: bool = False
    victims: list[str] = field(default_factory=list)

    @property
    def due_from(self) -> float:
        """From when on recovery is owed: at once where others can do the work, else from the healing."""
        return self.hit_at if self.others_go_on else self.healed_at


def recoveries(
    faults: Sequence[Landed], ends: Mapping[str, float], workers: Sequence[str] = ()
) -> dict[str, float | None]:
    """For each fault the seconds until the last of its victims came to its end; None where it has none that did.

    A later fault that hits the same job starts the clock of that job anew: what follows is that one's recovery. So does
    the end of a time in which nobody could work: something that all need was away, or none of the `workers` was whole.
    """
    idle = [(f.hit_at, f.due_from) for f in faults if f.for_all] + list(_nobody_whole(faults, workers))
    return {fault.name: _recovery(fault, faults, ends, idle) for fault in faults}


def _recovery(fault: Landed, faults: Sequence[Landed], ends: Mapping[str, float], idle: list[Span]) -> float | None:
    theirs = {id_: ends[id_] for id_ in fault.victims if id_ in ends}
    if not theirs:
        return None
    last = max(theirs.values())
    later = [f for f in faults if fault.hit_at < f.hit_at <= last and set(f.victims) & theirs.keys()]
    idle = [span for span in idle if span[0] <= last and span[1] > fault.hit_at]
    return max(end - _begin(fault, id_, end, later, idle) for id_, end in theirs.items())


def _begin(fault: Landed, id_: str, end: float, later: list[Landed], idle: list[Span]) -> float:
    """When the clock of one victim started for the last time, at its end at the latest."""
    starts = [fault.due_from]
    starts += [other.due_from for other in later if other.hit_at <= end and id_ in other.victims]
    starts += [until for since, until in idle if since <= end]
    return min(max(starts), end)


def _nobody_whole(faults: Sequence[Landed], workers: Sequence[str]) -> Iterator[Span]:
    """When both workers were under a fault at the same time."""
    if len(workers) != 2:
        return
    first, second = ([f for f in faults if f.target == worker] for worker in workers)
    for one, other in product(first, second):
        since, until = max(one.hit_at, other.hit_at), min(one.healed_at, other.healed_at)
        if since < until:
            yield since, until


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and longest, in seconds."""
    if not times:
        return {"p50": 0.0, "p99": 0.0, "longest": 0.0}
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2), "longest": round(max(times), 2)}
