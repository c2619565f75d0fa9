"""Grafana's dashboards, drawn from the catalogue: each panel has its metric's unit and says what it shows."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.metrics.catalogue import metric
from jobs.metrics.entries import Unit
from jobs.metrics.panels import OVERVIEW, VENDORS, Panel

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
UNITS = {Unit.SECONDS: "s", Unit.RATIO: "percentunit", Unit.MOMENT: "dateTimeFromNow", Unit.BYTES: "bytes"}
WIDTH, HEIGHT, STAT = 24, 8, 4

DASHBOARDS: dict[str, tuple[str, Mapping[str, tuple[Panel, ...]]]] = {
    "jobs-overview": ("Jobs", OVERVIEW),
    "jobs-vendors": ("Jobs: vendors", VENDORS),
}


def files() -> dict[str, str]:
    """Name → JSON of each dashboard."""
    return {f"{uid}.json": json.dumps(_board(uid, title, rows), indent=1, sort_keys=True) + "\n"
            for uid, (title, rows) in DASHBOARDS.items()}  # fmt: skip


def _board(uid: str, title: str, rows: Mapping[str, tuple[Panel, ...]]) -> dict[str, Any]:
    return {
        "uid": uid, "title": title, "tags": ["jobs"], "schemaVersion": 39, "version": 1, "editable": False,
        "refresh": "30s", "time": {"from": "now-6h", "to": "now"}, "timezone": "utc", "graphTooltip": 1,
        "templating": {"list": [_source(), _variable("queue", "jobs_queue_depth"),
                                _variable("vendor", "jobs_vendor_recent_calls")]},
        "annotations": {"list": [_marks("Deploys", "changes(jobs_deploy_timestamp_seconds[1m]) > 0"),
                                 _marks("Alerts", 'ALERTS{alertname=~"Jobs.+",alertstate="firing",severity="page"}')]},
        "panels": list(_panels(rows)),
    }  # fmt: skip


def _source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(label: str, of: str) -> dict[str, Any]:
    query = f"label_values({of}, {label})"
    return {
        "name": label, "type": "query", "datasource": SOURCE, "query": query, "definition": query, "refresh": 2,
        "includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _marks(name: str, expression: str) -> dict[str, Any]:
    colour = "blue" if name == "Deploys" else "red"
    return {"name": name, "datasource": SOURCE, "enable": True, "expr": expression, "iconColor": colour, "step": "15s",
            "titleFormat": name}  # fmt: skip


def _panels(rows: Mapping[str, tuple[Panel, ...]]) -> Iterator[dict[str, Any]]:
    number, top = 0, 0
    for title, panels in rows.items():
        yield {"type": "row", "id": (number := number + 1), "title": title, "collapsed": False, "panels": [],
               "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1}}  # fmt: skip
        top += 1
        across, height = (6, STAT) if panels[0].kind == "stat" else (3, HEIGHT)
        for place, panel in enumerate(panels):
            x, y = place % across * (WIDTH // across), top + place // across * height
            yield _panel(panel, number := number + 1, {"x": x, "y": y, "w": WIDTH // across, "h": height})
        top += -(-len(panels) // across) * height


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    entry = metric(panel.of)
    targets = [{"refId": chr(65 + n), "datasource": SOURCE, "expr": query, "legendFormat": legend, "range": True}
               for n, (legend, query) in enumerate(panel.queries.items())]  # fmt: skip
    fill = {"stacking": {"mode": "normal" if panel.stacked else "none"}, "fillOpacity": 20 if panel.stacked else 0}
    return {
        "id": number, "type": panel.kind, "title": panel.title, "description": entry.help, "datasource": SOURCE,
        "gridPos": place, "targets": targets, "options": _options(panel),
        "fieldConfig": {"overrides": [], "defaults": {
            "unit": panel.unit or UNITS.get(entry.unit, "short"), "min": 0,
            "custom": {} if panel.kind == "stat" else fill,
            "thresholds": {"mode": "absolute", "steps": _steps(panel.limit)}}},
    }  # fmt: skip


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "stat":
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "colorMode": "value"}
    return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}}


def _steps(limit: float | None) -> list[dict[str, Any]]:
    green: dict[str, Any] = {"color": "green", "value": None}
    return [green] if limit is None else [green, {"color": "red", "value": limit}]
