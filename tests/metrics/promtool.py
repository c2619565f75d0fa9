"""Histories as promtool's unit tests."""

import json
import re
import subprocess

from jobs.metrics import rules
from jobs.metrics.alerts import alerts
from tests.servers.session import require

ALERTS = {alert.name: alert for alert in alerts()}


def run(place, cases, *, annotated=False):
    """Have promtool judge `cases`: pairs of a history and, for each minute, the labels under which its alert fires."""
    tool = require("prometheus")
    text = rules.text()
    (place / "rules.yml").write_text(text if annotated else without_annotations(text))
    tests = {"rule_files": ["rules.yml"], "evaluation_interval": "15s",
             "tests": [test(history, firing) for history, firing in cases]}  # fmt: skip
    (place / "tests.yml").write_text(json.dumps(tests))  # JSON is YAML too
    return subprocess.run([tool, "test", "rules", "tests.yml"], cwd=place, capture_output=True, text=True)


def without_annotations(text):
    return re.sub(r"        annotations:\n(?:          .*\n)+", "", text)


def test(history, firing):
    severity = str(ALERTS[history.alert].severity)
    return {
        "interval": "1m",
        "input_series": [
            {"series": series(metric, labels), "values": values_of(values, history.minutes)}
            for metric, labels, values in history.series
        ],
        "alert_rule_test": [
            {"eval_time": f"{minute}m", "alertname": history.alert,
             "exp_alerts": [{"exp_labels": {"severity": severity} | labels} for labels in found]}
            for minute, found in enumerate(firing)
        ],
    }  # fmt: skip


def series(metric, labels):
    return f"{metric}{{{','.join(f'{name}={json.dumps(value)}' for name, value in labels.items())}}}"


def values_of(values, minutes):
    told = [values[min(minute, len(values) - 1)] for minute in range(minutes + 1)]
    return " ".join("_" if value is None else f"{value}" for value in told)
