"""How long it took until what a fault had hit came to its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import quantiles


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


def recovery_of(fault: Landed, faults: Sequence[Landed], ends: Mapping[str, float]) -> float | None:
    """Seconds until the last of its victims came to its end; None where it has none that did.

    A later fault that hits the same job, or that stops everybody meanwhile, starts the clock of that job anew: what
    follows is that one's recovery.
    """
    times = [ends[id_] - _begin(fault, id_, faults, ends[id_]) for id_ in fault.victims if id_ in ends]
    return max(0.0, *times) if times else None


def _begin(fault: Landed, id_: str, faults: Sequence[Landed], end: float) -> float:
    begin = fault.due_from
    for other in faults:
        if other is fault or other.hit_at > end or other.healed_at < begin:
            continue
        if other.for_all or (other.hit_at > fault.hit_at and id_ in other.victims):
            begin = max(begin, min(other.due_from, end))
    return begin


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median, 99th percentile and longest, in seconds."""
    if not times:
        return {"p50": 0.0, "p99": 0.0, "longest": 0.0}
    cuts = quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
    return {"p50": round(cuts[49], 2), "p99": round(cuts[98], 2), "longest": round(max(times), 2)}
