"""One value of one series, and what may be said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.metrics.catalogue import metric
from jobs.metrics.entries import Kind

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Sample:
    metric: str
    labels: Labels
    value: float

    def label(self, name: str) -> str:
        """Empty where it has none, as in Prometheus."""
        return dict(self.labels).get(name, "")

    def as_json(self) -> list[Any]:
        return [self.metric, dict(self.labels), self.value]


def sample(name: str, value: float, **labels: str) -> Sample:
    """A sample of the catalogue's.

    Raises:
        KeyError: the catalogue knows no such metric.
        ValueError: it has other labels, or none with this value.
    """
    entry = metric(name)
    if entry.kind is Kind.HISTOGRAM or set(labels) != set(entry.labels):
        raise ValueError(f"{name} has the labels {sorted(entry.labels)}, not {sorted(labels)}")
    for label, said in labels.items():
        if not entry.labels[label].allows(said):
            raise ValueError(f"{name}: {label} is {said!r}; it may be {entry.labels[label].bounded_by}")
    return Sample(name, tuple(sorted(labels.items())), float(value))


def from_json(entries: Iterable[tuple[str, Mapping[str, str], float]]) -> list[Sample]:
    return [Sample(name, tuple(sorted(labels.items())), value) for name, labels, value in entries]
