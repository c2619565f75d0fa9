"""A small part of PromQL, as values: each writes itself down for Prometheus and evaluates itself over a snapshot.

So an alert is said once and means the same in both. Expressions are instant vectors: a mapping of labels to a value.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jobs.metrics.catalogue import metric
from jobs.metrics.samples import Labels, Sample

Vector = Mapping[Labels, float]
OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
}
NOT_EMPTY = "!="
JOIN: Mapping[str, Callable[[list[float]], float]] = {"max": max, "sum": sum}


class Expression(Protocol):
    def promql(self) -> str: ...

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector: ...


@dataclass(frozen=True, slots=True)
class Series:
    """The series of a metric; `where` are labels and the values they must have: `"a|b"` one of these, `"!="` not empty.

    Raises:
        KeyError, ValueError: the catalogue knows no such metric or label.
    """

    name: str
    where: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        unknown = {label for label, _ in self.where} - set(metric(self.name).labels)
        if unknown:
            raise ValueError(f"{self.name} has no label {', '.join(sorted(unknown))}")

    def promql(self) -> str:
        said = ",".join(_matcher(label, value) for label, value in self.where)
        return f"{self.name}{{{said}}}" if said else self.name

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        del now
        return {s.labels: s.value for s in samples if s.metric == self.name and self._is_wanted(s)}

    def _is_wanted(self, one: Sample) -> bool:
        return all(
            bool(one.label(label)) if value == NOT_EMPTY else one.label(label) in value.split("|")
            for label, value in self.where
        )


@dataclass(frozen=True, slots=True)
class By:
    """`max by (queue) (…)`: one value for each set of these labels. Two exporters tell the same, hence `max` first."""

    function: str
    labels: tuple[str, ...]
    inner: Expression

    def promql(self) -> str:
        by = f" by ({', '.join(self.labels)})" if self.labels else ""
        return f"{self.function}{by} ({self.inner.promql()})"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        groups: dict[Labels, list[float]] = {}
        for labels, value in self.inner.evaluate(samples, now).items():
            groups.setdefault(_only(labels, self.labels), []).append(value)
        return {labels: JOIN[self.function](values) for labels, values in groups.items()}


@dataclass(frozen=True, slots=True)
class Since:
    """Seconds since a moment."""

    inner: Expression

    def promql(self) -> str:
        return f"(time() - {self.inner.promql()})"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        return {labels: now - value for labels, value in self.inner.evaluate(samples, now).items()}


@dataclass(frozen=True, slots=True)
class Apart:
    """How far from nothing, in either direction."""

    inner: Expression

    def promql(self) -> str:
        return f"abs({self.inner.promql()})"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        return {labels: abs(value) for labels, value in self.inner.evaluate(samples, now).items()}


@dataclass(frozen=True, slots=True)
class Is:
    """Those whose value compares so with a number: `> 600`."""

    inner: Expression
    operator: str
    limit: float

    def promql(self) -> str:
        return f"{self.inner.promql()} {self.operator} {self.limit:g}"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        holds = OPERATORS[self.operator]
        return {k: v for k, v in self.inner.evaluate(samples, now).items() if holds(v, self.limit)}


@dataclass(frozen=True, slots=True)
class Both:
    """Those of the left side that have one with the same labels on the right."""

    left: Expression
    right: Expression

    def promql(self) -> str:
        return f"{self.left.promql()} and {self.right.promql()}"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        right = self.right.evaluate(samples, now)
        return {labels: v for labels, v in self.left.evaluate(samples, now).items() if labels in right}


@dataclass(frozen=True, slots=True)
class Absent:
    """1 where there is no such series: the monitoring is dead, not the patient well."""

    inner: Expression

    def promql(self) -> str:
        return f"absent({self.inner.promql()})"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        return {} if self.inner.evaluate(samples, now) else {(): 1.0}


@dataclass(frozen=True, slots=True)
class Always:
    """What always fires, so that its silence tells that nobody would be told of anything else."""

    def promql(self) -> str:
        return "vector(1)"

    def evaluate(self, samples: Iterable[Sample], now: float) -> Vector:
        del samples, now
        return {(): 1.0}


def by_max(name: str, *by: str, **where: str) -> By:
    """The metric's series, one for each set of the labels `by`, whoever exported them."""
    return By("max", by, Series(name, tuple(where.items())))


def apart(name: str, *by: str) -> By:
    """The same of how far it is from nothing."""
    return By("max", by, Apart(Series(name)))


def total(name: str, by: tuple[str, ...] = (), **where: str) -> By:
    """The sum over queues: of each series once, however many exporters tell it."""
    return By("sum", by, by_max(name, *metric(name).labels, **where))


def _matcher(label: str, value: str) -> str:
    if value == NOT_EMPTY:
        return f'{label}!=""'
    return f'{label}=~"{value}"' if "|" in value else f'{label}="{value}"'


def _only(labels: Labels, wanted: tuple[str, ...]) -> Labels:
    return tuple((name, value) for name, value in labels if name in wanted and value)
