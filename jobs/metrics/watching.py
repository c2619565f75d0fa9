"""The alerts without Prometheus: the same expressions over the snapshot, and what has held for how long in a table."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs import conf
from jobs.metrics.alerts import Alert, alerts
from jobs.metrics.samples import Labels, Sample

BEGIN = """
INSERT INTO jobs_alarm (alert, labels, since)
SELECT alert, labels, to_timestamp(%(now)s) FROM jsonb_to_recordset(%(held)s::jsonb) AS h (alert text, labels text)
ON CONFLICT DO NOTHING
"""
FIRE = """
UPDATE jobs_alarm AS a SET fired_at = to_timestamp(%(now)s)
FROM jsonb_to_recordset(%(held)s::jsonb) AS h (alert text, labels text, lasting float8)
WHERE a.alert = h.alert AND a.labels = h.labels AND fired_at IS NULL
  AND since <= to_timestamp(%(now)s - lasting)
"""
END = """
DELETE FROM jobs_alarm AS a WHERE NOT EXISTS (
    SELECT FROM jsonb_to_recordset(%(held)s::jsonb) AS h (alert text, labels text)
    WHERE h.alert = a.alert AND h.labels = a.labels)
RETURNING alert, labels, since, fired_at, told_at
"""
STANDING = "SELECT alert, labels, since, fired_at, told_at FROM jobs_alarm WHERE fired_at IS NOT NULL ORDER BY 1, 2"
UNTOLD = """
UPDATE jobs_alarm AS a SET told_at = statement_timestamp()
FROM jsonb_to_recordset(%(held)s::jsonb) AS h (alert text, labels text)
WHERE a.alert = h.alert AND a.labels = h.labels AND fired_at IS NOT NULL AND told_at IS NULL
RETURNING a.alert, a.labels
"""


MANY = 100  # from here on nobody asks for a fraction


@dataclass(frozen=True, slots=True)
class Held:
    """A condition that holds now."""

    alert: Alert
    labels: Labels
    value: float

    def description(self) -> str:
        said = {
            **dict.fromkeys(self.alert.labels, ""),
            **dict(self.labels),
            "value": f"{self.value:{',.0f' if self.value >= MANY else '.3g'}}",
        }
        return self.alert.shown.format_map(said)

    def as_json(self) -> dict[str, Any]:
        """What a person or a program is told."""
        return {
            "alert": self.alert.name,
            "severity": str(self.alert.severity),
            "labels": dict(self.labels),
            "value": self.value,
            "summary": self.alert.summary,
            "description": self.description(),
            "runbook": f"{conf.runbooks()}{self.alert.runbook}.md",
        }


@dataclass(frozen=True, slots=True)
class Change:
    """What the newest look has found: what fires, and of that what nobody has been told; what has ended."""

    firing: Sequence[Held]
    news: Sequence[Held]
    over: Sequence[tuple[str, Mapping[str, str]]]


def held(samples: Iterable[Sample], now: float) -> list[Held]:
    """Every condition that holds, whatever it lasts."""
    known = list(samples)
    return [
        Held(alert, labels, value)
        for alert in alerts()
        if not alert.only_prometheus
        for labels, value in sorted(alert.when.evaluate(known, now).items())
    ]


def look(connection: Any, samples: Iterable[Sample], now: datetime) -> Change:
    """Compare with what was known. Any number may look at once: each piece of news is one's alone."""
    found = {(h.alert.name, _text(h.labels)): h for h in held(samples, now.timestamp())}
    told = [{"alert": name, "labels": labels, "lasting": h.alert.lasting.total_seconds()}
            for (name, labels), h in found.items()]  # fmt: skip
    params = {"held": json.dumps(told), "now": now.timestamp()}
    with connection.cursor() as cursor:
        cursor.execute(END, params)
        over = [(name, json.loads(labels)) for name, labels, _, _, told_at in cursor.fetchall() if told_at]
        cursor.execute(BEGIN, params)
        cursor.execute(FIRE, params)
        cursor.execute(UNTOLD, params)
        news = [found[alert, labels] for alert, labels in cursor.fetchall()]
        cursor.execute(STANDING)
        firing = [found[key] for row in cursor.fetchall() if (key := (row[0], row[1])) in found]
    return Change(firing, news, over)


def _text(labels: Labels) -> str:
    return json.dumps(dict(labels), sort_keys=True)
