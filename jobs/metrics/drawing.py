"""How Grafana draws a panel: options, colours and scales of each kind."""

from typing import Any

from jobs.metrics.panels import Panel

GREEN, RED = "green", "red"
FILLED = 20  # per cent


def of(panel: Panel, unit: str) -> dict[str, Any]:
    """What the panel's JSON has besides its queries."""
    defaults: dict[str, Any] = {"unit": unit, "thresholds": {"mode": "absolute", "steps": _steps(panel)}}
    if not panel.signed:
        defaults["min"] = 0
    options: dict[str, Any]
    match panel.kind:
        case "stat":
            options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "graphMode": "area", "colorMode": "value"}
        case "heatmap":
            return {"options": _heat(unit), "fieldConfig": {"defaults": {"unit": unit}, "overrides": []}}
        case "state-timeline":
            options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": False}, "rowHeight": 0.8}
            defaults |= {"mappings": _words(panel), "custom": {"fillOpacity": 80}, "min": 0}
        case "table":
            options = {"showHeader": True}
            defaults["custom"] = {"cellOptions": {"type": "color-text"}}
            return {"options": options, "fieldConfig": {"defaults": defaults, "overrides": []},
                    "transformations": [_columns(panel)]}  # fmt: skip
        case _:
            options = {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                       "tooltip": {"mode": "multi", "sort": "desc"}}  # fmt: skip
            defaults["custom"] = _line(panel)
    return {"options": options, "fieldConfig": {"defaults": defaults, "overrides": []}}


def _line(panel: Panel) -> dict[str, Any]:
    """A limit is a line in the chart, and colours nothing: many series cross it at different times."""
    marked = {"thresholdsStyle": {"mode": "off" if panel.limit is None else "dashed"}}
    stacked = {
        "stacking": {"mode": "normal" if panel.stacked else "none"},
        "fillOpacity": FILLED if panel.stacked else 0,
    }
    return {**stacked, **marked, "showPoints": "never", "spanNulls": False}


def _heat(unit: str) -> dict[str, Any]:
    return {"calculate": False, "cellGap": 1, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
            "yAxis": {"unit": unit}, "rowsFrame": {"layout": "auto"}, "tooltip": {"mode": "single"},
            "legend": {"show": True}}  # fmt: skip


def _words(panel: Panel) -> list[dict[str, Any]]:
    words = {str(value): {"text": word, "color": "orange", "index": n}
             for n, (value, word) in enumerate((panel.words or {}).items())}  # fmt: skip
    return [{"type": "value", "options": words}]


def _columns(panel: Panel) -> dict[str, Any]:
    return {"id": "organize", "options": {"excludeByName": {"Time": True}, "indexByName": {},
                                          "renameByName": {"Value": panel.title.lower()}}}  # fmt: skip


def _steps(panel: Panel) -> list[dict[str, Any]]:
    low, high = (RED, GREEN) if panel.falls else (GREEN, RED)
    if panel.limit is None:
        return [{"color": GREEN, "value": None}]
    return [{"color": low, "value": None}, {"color": high, "value": panel.limit}]
