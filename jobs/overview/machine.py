"""The same moment for programs: what `?format=json` answers."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from jobs.overview.sentences import troubles
from jobs.overview.snapshot import DEAD_PER_HOUR, QueueNow, Snapshot


def as_json(now: Snapshot) -> dict[str, Any]:
    """Plain values: times as ISO 8601, spans in seconds, shares from 0 to 1."""
    found = troubles(now)
    return {
        "at": now.at.isoformat(),
        "well": not found,
        "troubles": [{"level": t.level, "sentence": t.sentence, "queue": t.queue, "runbook": t.runbook}
                     for t in found],
        "depth": now.depth,
        "oldest": now.oldest,
        "age_p95": now.age,
        "last_hour": asdict(now.hour) | {"success": now.hour.success, "retry": now.hour.retry},
        "dead_letters": {"last_hour": now.dead_lately, "most": DEAD_PER_HOUR, "unresolved": now.waiting_for_people},
        "saturation": now.saturation,
        "queues": [_queue(queue) for queue in now.queues],
        "workers": [_plain(asdict(worker)) for worker in now.workers],
        "schedules": [_plain(asdict(planned)) for planned in now.planned],
        "bulk_replays": [{"id": b.pk, "state": b.state, "total": b.total, "left": b.left} for b in now.bulk],
        "marks": [{"at": mark.at.isoformat(), "by": mark.by, "text": mark.text} for mark in now.marks],
        "day": [_plain({"start": bar.start, **asdict(bar.counts), "depth": bar.depth, "age_p95": bar.age})
                for bar in now.bars],
    }  # fmt: skip


def _queue(queue: QueueNow) -> dict[str, Any]:
    gate, lately = queue.gate, queue.lately
    pause = None
    if gate and gate.paused:
        pause = {"kind": gate.kind, "reason": gate.reason, "by": gate.by, "since": gate.since, "until": gate.until}
    return {
        **asdict(queue.live),
        "state": queue.state,
        "vendor": gate and gate.vendor,
        "pause": pause and _plain(pause),
        "workers": queue.workers,
        "slots": queue.slots,
        "busy": queue.busy,
        "came_a_minute": lately and lately.came,
        "went_a_minute": lately and lately.went,
        "drains_in": queue.drains_in,
        "vendor_latency_p95": queue.latency,
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
