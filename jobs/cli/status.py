from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from idempotency import reads
from jobs import conf, registry
from jobs.cli.printing import say, table
from jobs.schedules import reads as schedules

help = "show queues, pauses and workers: what waits, runs and was given up, what stands still and why, who serves it"


def add_arguments(_: ArgumentParser) -> None: ...


def handle(command: BaseCommand, *, json: bool, **_: Any) -> None:
    workers = registry.live(connection)
    queues = [_queue(depth, workers) for depth in reads.depths(connection, list(conf.queues()))]
    people = [*map(_worker, workers), *map(_leaving, registry.draining(connection))]
    pauses = [_pause(pause) for pause in reads.pauses(connection)]
    shown = {"queues": queues, "pauses": pauses, "workers": people, **_schedules()}
    say(command, shown, _text(queues, pauses, people) + _beats(shown), as_json=json)


def _schedules() -> dict[str, Any]:
    """Beats, and what is wrong with schedules: each of these is an alert."""
    if not schedules.installed():
        return {}
    beats = [
        {"beat": b.name, "fired": b.fired, "clock_offset": round(b.clock_offset, 1), "alert": b.is_wrong}
        for b in schedules.beats(connection)
    ]
    return {"beats": beats, "schedules": [asdict(t) | {"alert": True} for t in schedules.troubles(connection)]}


def _beats(shown: dict[str, Any]) -> str:
    tables = [_rows(shown[name]) for name in ("beats", "schedules") if shown.get(name)]
    return "".join(f"\n\n{text}" for text in tables)


def _queue(depth: reads.Depth, workers: list[registry.LiveWorker]) -> dict[str, Any]:
    serving = [w for w in workers if depth.queue in w.queues]
    return asdict(depth) | {
        "workers": len(serving),
        "slots": sum(w.slots for w in serving),
        "bound": conf.bound(depth.queue),
        "owner": conf.queues()[depth.queue].get("owner"),
    }


def _worker(w: registry.LiveWorker) -> dict[str, Any]:
    """`clock_offset`: seconds by which its machine's clock is ahead; `alert`: somebody should be told of it."""
    wrong = w.clock_offset is not None and abs(w.clock_offset) > conf.clock_tolerance().total_seconds()
    return {
        "worker": w.name,
        "state": "alive",
        "queues": list(w.queues),
        "busy": w.busy,
        "slots": w.slots,
        "memory_mb": w.memory and round(w.memory / 1e6),
        "clock_offset": None if w.clock_offset is None else round(w.clock_offset, 1),
        "alert": wrong,
    }


def _leaving(w: registry.LeavingWorker) -> dict[str, Any]:
    """It takes nothing more: what it is busy with is told by Flower, and by the job's page."""
    unknown = dict.fromkeys(("busy", "slots", "memory_mb", "clock_offset"))
    return {
        "worker": w.name,
        "state": "finishing",
        "queues": list(w.queues),
        **unknown,
        "alert": False,
    }


def _pause(pause: reads.Pause) -> dict[str, Any]:
    """`alert`: the episode lasts so long that somebody should be told."""
    return {
        "queue": pause.queue,
        "vendor": pause.vendor,
        "state": "paused" if pause.paused else "probing",
        "kind": str(pause.kind),
        "reason": pause.reason,
        "by": pause.by,
        "since": pause.since and pause.since.isoformat(timespec="seconds"),
        "until": pause.until and pause.until.isoformat(timespec="seconds"),
        "seconds": round(pause.lasts.total_seconds()),
        "alert": pause.lasts >= conf.pause_alert(),
    }


def _text(queues: list[dict[str, Any]], pauses: list[dict[str, Any]], people: list[dict[str, Any]]) -> str:
    lines = [_rows(queues), ""]
    if pauses:
        lines += [_rows(pauses), ""]
    if people:
        lines.append(_rows(people))
    if not any(w["state"] == "alive" for w in people):
        start = f"celery -A <project> worker -Q {','.join(conf.queues())}"
        lines.append(f"No worker is alive. Start one: {start}")
    return "\n".join(lines)


def _rows(entries: list[dict[str, Any]]) -> str:
    return table([*entries[0]], [[_cell(value) for value in entry.values()] for entry in entries])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return {"None": "-", "True": "yes", "False": "no"}.get(str(value), str(value))
