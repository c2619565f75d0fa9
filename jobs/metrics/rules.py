"""The alerts as Prometheus' rules."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta

from jobs import conf
from jobs.metrics.alerts import Alert, alerts

HEAD = "# Written by `manage.py jobs metrics --write .`: change jobs/metrics/alerts.py, not this file."
INTERVAL = "15s"  # as often as the snapshot changes


def text() -> str:
    """The whole file."""
    lines = [HEAD, "groups:", "  - name: jobs", f"    interval: {INTERVAL}", "    rules:"]
    return "\n".join([*lines, *(line for alert in alerts() for line in _rule(alert))]) + "\n"


def _rule(alert: Alert) -> Iterator[str]:
    yield f"      - alert: {alert.name}"
    yield f"        expr: {json.dumps(alert.when.promql())}"
    if alert.lasting:
        yield f"        for: {duration(alert.lasting)}"
    yield "        labels:"
    yield f"          severity: {alert.severity}"
    yield "        annotations:"
    yield f"          summary: {json.dumps(alert.summary)}"
    yield f"          description: {json.dumps(_template(alert.shown))}"
    yield f"          runbook_url: {json.dumps(f'{conf.runbooks()}{alert.runbook}.md')}"


def duration(span: timedelta) -> str:
    """As Prometheus spells it."""
    seconds = int(span.total_seconds())
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def _template(shown: str) -> str:
    def filled(found: re.Match[str]) -> str:
        return "{{ $value | humanize }}" if found[1] == "value" else f"{{{{ $labels.{found[1]} }}}}"

    return re.sub(r"\{(\w+)\}", filled, shown)
