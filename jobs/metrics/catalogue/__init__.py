"""Every metric: its name, type, unit, labels with the values they may have, where it comes from and what it costs.

Nothing else names a metric. What reads or draws one asks `metric(name)`, which knows no other.
"""

from jobs.metrics.catalogue.ends import ENDINGS
from jobs.metrics.catalogue.machinery import MACHINERY
from jobs.metrics.catalogue.vendors import OF_VENDORS
from jobs.metrics.catalogue.waiting import WAITING
from jobs.metrics.catalogue.workers import OF_WORKERS
from jobs.metrics.entries import Kind, Metric

METRICS = (*WAITING, *ENDINGS, *OF_VENDORS, *OF_WORKERS, *MACHINERY)
BY_NAME = {metric.name: metric for metric in METRICS}
SUFFIXES = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count"), Kind.SUMMARY: ("_sum", "_count")}
PROMETHEUS_ADDS = ("job", "instance", "le")


def metric(name: str) -> Metric:
    """The entry of a metric.

    Raises:
        KeyError: the catalogue has none of this name.
    """
    if name not in BY_NAME:
        raise KeyError(f"the catalogue has no metric {name!r}")
    return BY_NAME[name]


def series(name: str) -> Metric:
    """The same for the name of a series, which for a histogram has a suffix."""
    for entry in METRICS:
        if name in {entry.name + suffix for suffix in SUFFIXES.get(entry.kind, ("",))}:
            return entry
    raise KeyError(f"no metric of the catalogue has a series {name!r}")
