"""The snapshot and the workers' totals, as prometheus_client's metric families."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, product
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from jobs.metrics.catalogue import METRICS
from jobs.metrics.catalogue.words import ADDED_UP
from jobs.metrics.entries import Kind, Metric
from jobs.metrics.measuring import Sum
from jobs.metrics.reading import Total
from jobs.metrics.samples import Sample

Read = Callable[[], tuple[Iterable[Sample], Iterable[Total]]]


class Ledger(Collector):
    """What one scrape is told. `read` asks the database."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def describe(self) -> Iterable[Any]:
        """Nothing is asked when it is registered: an exporter starts while the database is away."""
        return ()

    def collect(self) -> Iterator[Any]:
        samples, totals = self._read()
        by_metric: dict[str, list[Sample]] = defaultdict(list)
        for one in samples:
            by_metric[one.metric].append(one)
        sums: dict[str, list[Total]] = defaultdict(list)
        for total in totals:
            sums[total.metric].append(total)
        for metric in METRICS:
            if metric.source in ADDED_UP and metric.kind is not Kind.GAUGE:
                yield _measured(metric, [*_known(metric, sums[metric.name]), *_zeros(metric, sums[metric.name])])
            else:
                yield _plain(metric, by_metric[metric.name])


def _plain(metric: Metric, samples: Iterable[Sample]) -> Any:
    family: Any = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    told = family(metric.name, metric.help, labels=list(metric.labels))
    for one in samples:
        told.add_metric([one.label(name) for name in metric.labels], one.value)
    return told


def _measured(metric: Metric, totals: Iterable[Total]) -> Any:
    if metric.kind is Kind.COUNTER:
        counters = CounterMetricFamily(metric.name, metric.help, labels=list(metric.labels))
        for total in totals:
            counters.add_metric(list(total.labels), total.sums.count)
        return counters
    if metric.kind is Kind.SUMMARY:
        summaries = SummaryMetricFamily(metric.name, metric.help, labels=list(metric.labels))
        for total in totals:
            summaries.add_metric(list(total.labels), total.sums.count, total.sums.total)
        return summaries
    histograms = HistogramMetricFamily(metric.name, metric.help, labels=list(metric.labels))
    bounds = [*(str(float(b)) for b in metric.buckets), "+Inf"]
    for total in totals:
        cumulative = list(zip(bounds, accumulate(total.sums.buckets), strict=True))
        histograms.add_metric(list(total.labels), cumulative, total.sums.total)
    return histograms


def _known(metric: Metric, totals: Iterable[Total]) -> list[Total]:
    """Those whose labels the catalogue still allows: a queue that was removed from the settings is told no more."""
    labels = list(metric.labels.values())
    return [t for t in totals if all(label.allows(said) for label, said in zip(labels, t.labels, strict=True))]


def _zeros(metric: Metric, known: Iterable[Total]) -> list[Total]:
    """The counters that have not counted yet: one that is born at 25 shows no increase."""
    values = [label.values for label in metric.labels.values()]
    if metric.kind is not Kind.COUNTER:
        return []
    there = {total.labels for total in known}
    return [Total(metric.name, labels, Sum([0])) for labels in product(*(one() for one in values if one))
            if len(labels) == len(values) and labels not in there]  # fmt: skip


def budget() -> int:
    """How many series there are at most, for the declared queues and 15 vendors."""
    return sum(_series(metric) for metric in METRICS)


def _series(metric: Metric) -> int:
    count = len(metric.buckets) + 3 if metric.buckets else 2 if metric.kind is Kind.SUMMARY else 1
    for label in metric.labels.values():
        count *= label.most if label.values is None else len(list(label.values()))
    return count
