"""The catalogue and the alerts as a page for people."""

from collections.abc import Iterator

from jobs.metrics import exposition
from jobs.metrics.alerts import alerts
from jobs.metrics.catalogue import METRICS
from jobs.metrics.entries import Metric
from jobs.metrics.rules import duration

HEAD = """# Metrics

Written by `manage.py jobs metrics --write .` from `jobs/metrics/catalogue` and `alerts.py`; a test says when it is
old. `manage.py jobs metrics` prints the values of now, and Prometheus is told the same by `manage.py jobs exporter`:
all read one snapshot, which is taken anew when it is 15 seconds old and somebody asks.

"""
COLUMNS = "| metric | type, unit | labels | what it says | from | costs |\n|---|---|---|---|---|---|\n"
ALERTS = """
## Alerts

`page` wakes somebody, `ticket` is for today. `manage.py jobs watch` evaluates the same without Prometheus, except for
those about Prometheus itself.

| alert | how urgent | when | for | runbook |
|---|---|---|---|---|
"""


def text() -> str:
    """The whole page."""
    budget = f"\nAt most {exposition.budget():,} series, with the queues of this project and 15 vendors.\n"
    return HEAD + COLUMNS + "".join(_lines()) + budget + ALERTS + "".join(_alerts())


def _lines() -> Iterator[str]:
    for metric in METRICS:
        cells = (f"`{metric.name}`", f"{metric.kind}, {metric.unit}", _labels(metric), metric.help, metric.source,
                 metric.cost)  # fmt: skip
        yield f"| {' | '.join(cells)} |\n"


def _labels(metric: Metric) -> str:
    return "<br>".join(f"`{name}`: {label.bounded_by}" for name, label in metric.labels.items()) or "-"


def _alerts() -> Iterator[str]:
    for alert in alerts():
        lasting = duration(alert.lasting) if alert.lasting else "-"
        link = f"[{alert.runbook}](../runbooks/{alert.runbook}.md)"
        yield f"| {alert.name} | {alert.severity} | `{alert.when.promql()}` | {lasting} | {link} |\n"
