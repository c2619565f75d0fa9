"""Grafana's dashboards, drawn from the catalogue: each panel has its metric's unit and says what it shows."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jobs.metrics import drawing
from jobs.metrics.boards import Rows, overview, tasks, vendors
from jobs.metrics.catalogue import metric
from jobs.metrics.entries import Unit
from jobs.metrics.panels import Panel

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {Unit.SECONDS: "s", Unit.RATIO: "percentunit", Unit.MOMENT: "dateTimeFromNow", Unit.BYTES: "bytes"}
WIDTH, HEIGHT, STAT = 24, 8, 4

DASHBOARDS: Mapping[str, tuple[str, Callable[[], Rows]]] = {
    "jobs-overview": ("Jobs", overview),
    "jobs-vendors": ("Jobs: vendors", vendors),
    "jobs-tasks": ("Jobs: tasks", tasks),
}
# What may be chosen, and the metric that knows the values.
VARIABLES = {"queue": "jobs_queue_depth", "vendor": "jobs_vendor_recent_calls", "task": "jobs_task_seconds_count"}
MARKS = (
    ("Deploys", "blue", "changes(jobs_deploy_timestamp_seconds[1m]) > 0"),
    ("Pauses", "orange", "changes(jobs_pause_started_timestamp_seconds[1m]) > 0"),
    ("Decisions", "purple", "sum(increase(jobs_dead_letters_resolved_total[1m])) > 0"),
    ("Alerts", "red", 'ALERTS{alertname=~"Jobs.+",alertstate="firing",severity="page"}'),
)


def files() -> dict[str, str]:
    """Name → JSON of each dashboard."""
    return {f"{uid}.json": json.dumps(_board(uid, title, make()), indent=1, sort_keys=True) + "\n"
            for uid, (title, make) in DASHBOARDS.items()}  # fmt: skip


def _board(uid: str, title: str, rows: Rows) -> dict[str, Any]:
    return {
        "uid": uid, "title": title, "tags": ["jobs"], "schemaVersion": 39, "version": 1, "editable": False,
        "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "utc", "graphTooltip": 1,
        "templating": {"list": [_source(), *_variables(rows)]},
        "annotations": {"list": [_marks(*mark) for mark in MARKS]},
        "panels": list(_panels(rows)),
    }  # fmt: skip


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variables(rows: Rows) -> Iterator[dict[str, Any]]:
    """Those that a panel of the board asks for: another one would choose nothing."""
    asked = " ".join(query for panels in rows.values() for panel in panels for query in panel.queries.values())
    for label, of in VARIABLES.items():
        if f"${label}" in asked:
            yield _variable(label, of)


def _variable(label: str, of: str) -> dict[str, Any]:
    query = f"label_values({of}, {label})"
    return {
        "name": label, "type": "query", "datasource": SOURCE, "query": query, "definition": query, "refresh": 2,
        "includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _marks(name: str, colour: str, expression: str) -> dict[str, Any]:
    return {"name": name, "datasource": SOURCE, "enable": True, "expr": expression, "iconColor": colour, "step": "15s",
            "titleFormat": name}  # fmt: skip


def _panels(rows: Rows) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for title, panels in rows.items():
        yield {"type": "row", "id": (number := number + 1), "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}  # fmt: skip
        top += 1
        across, height = (4, STAT) if panels[0].kind == "stat" else (3, HEIGHT)
        for place, panel in enumerate(panels):
            x, y = place % across * (WIDTH // across), top + place // across * height
            yield _panel(panel, number := number + 1, {"x": x, "y": y, "w": WIDTH // across, "h": height})
        top += -(-len(panels) // across) * height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    entry = metric(panel.of)
    unit = panel.unit or UNITS.get(entry.unit, "short")
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": entry.help, "datasource": SOURCE,
        "gridPos": place, "targets": list(_targets(panel)), **drawing.of(panel, unit),
    }  # fmt: skip


def _targets(panel: Panel) -> Iterator[dict[str, Any]]:
    is_table = panel.kind == "table"
    shape = {"table": "table", "heatmap": "heatmap"}.get(panel.kind, "time_series")
    for number, (legend, query) in enumerate(panel.queries.items()):
        yield {"refId": chr(65 + number), "datasource": SOURCE, "expr": query, "legendFormat": legend,
               "format": shape, "range": not is_table, "instant": is_table}  # fmt: skip
