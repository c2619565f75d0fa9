"""What workers measured, as the database has it: of the last quarter of an hour, or ever."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from idempotency.statements import Connection
from jobs.metrics.catalogue import BY_NAME, metric
from jobs.metrics.measuring import Sum

RECENT = """
SELECT metric, labels, count, total, buckets FROM jobs_measure
WHERE metric = %(metric)s AND minute > statement_timestamp() - interval '15 minutes'
"""
EVER = "SELECT metric, labels, count, total, buckets FROM jobs_measure WHERE minute = 'epoch'"


@dataclass(frozen=True, slots=True)
class Total:
    """One series: its metric, the values of its labels in the catalogue's order, and the sums."""

    metric: str
    labels: tuple[str, ...]
    sums: Sum


def recent(connection: Connection, name: str) -> list[Total]:
    """Of the last quarter of an hour, one entry per set of labels."""
    found: dict[tuple[str, ...], Sum] = {}
    for total in _read(connection, RECENT, metric=name):
        empty = Sum([0] * len(total.sums.buckets))
        found.setdefault(total.labels, empty).add(total.sums.count, total.sums.total, total.sums.buckets)
    return [Total(name, labels, sums) for labels, sums in found.items()]


def ever(connection: Connection) -> list[Total]:
    return list(_read(connection, EVER))


def by_first_label(totals: Sequence[Total]) -> dict[str, list[Total]]:
    grouped: dict[str, list[Total]] = defaultdict(list)
    for total in totals:
        grouped[total.labels[0]].append(total)
    return grouped


def quantile(name: str, share: float, totals: Sequence[Total]) -> float:
    """The value that this share of all does not exceed, as Prometheus' histogram_quantile estimates it; 0 of none."""
    bounds: tuple[float, ...] = metric(name).buckets
    counts = [sum(column) for column in zip(*(t.sums.buckets for t in totals), strict=True)]
    wanted, seen = share * sum(counts), 0
    for index, count in enumerate(counts):
        if count and seen + count >= wanted:
            if index == len(bounds):
                return bounds[-1]
            lower = bounds[index - 1] if index else 0.0
            within = (wanted - seen) / count
            return float(lower + (bounds[index] - lower) * within)
        seen += count
    return 0.0


def _read(connection: Connection, statement: str, **params: str) -> Iterator[Total]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        rows = cursor.fetchall()
    for name, labels, count, total, buckets in rows:
        known, said = BY_NAME.get(name), tuple(json.loads(labels))
        # Of another release, with other bounds or labels: not to be added.
        if known and len(buckets) == len(known.buckets) + 1 and len(said) == len(known.labels):
            yield Total(name, said, Sum(list(buckets), count, total))
