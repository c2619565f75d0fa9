"""What an entry of the catalogue says of a metric."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"  # a histogram without bounds: how often, and how much in all


class Unit(StrEnum):
    """As Prometheus spells units; Grafana's words for them are in `dashboards`."""

    JOBS = "jobs"
    SECONDS = "seconds"
    RATIO = "ratio"
    MOMENT = "timestamp_seconds"
    SLOTS = "slots"
    CALLS = "calls"
    BYTES = "bytes"
    ROWS = "rows"
    MESSAGES = "messages"
    ATTEMPTS = "attempts"
    WORKERS = "workers"
    BREACHES = "breaches"
    NOTHING = "info"


@dataclass(frozen=True, slots=True)
class Label:
    """`values` None: one for each of what `bounded_by` names, and no more than that.

    `most`: how many series it makes of one then; 1 of what another label tells already.
    """

    bounded_by: str
    values: Callable[[], Iterable[str]] | None = None
    most: int = 15

    def allows(self, value: str) -> bool:
        return self.values is None or value in set(self.values())


def one_of(*values: str) -> Label:
    return Label(" · ".join(v or "(empty)" for v in values), lambda: values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    name: str
    kind: Kind = Kind.GAUGE
    unit: Unit
    labels: Mapping[str, Label] = field(default_factory=dict)
    help: str
    source: str
    cost: str
    buckets: tuple[float, ...] = ()
