from argparse import ArgumentParser
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from idempotency import reads
from jobs import conf, registry
from jobs.cli.printing import say, table

LONG_PAUSE = timedelta(minutes=10)  # a vendor that asks for time gets it; of one that never has enough a person hears

help = "show queues and workers: what waits, runs and was given up, who serves it"


def add_arguments(_: ArgumentParser) -> None: ...


def handle(command: BaseCommand, *, json: bool, **_: Any) -> None:
    workers = registry.live(connection)
    queues = [_queue(depth, workers) for depth in reads.depths(connection, list(conf.queues()))]
    people = [{"worker": w.name, "queues": list(w.queues), "busy": w.busy, "slots": w.slots} for w in workers]
    pauses = [_pause(pause) for pause in reads.pauses(connection)]
    told = {"queues": queues, "workers": people, "pauses": pauses}
    say(command, told, _text(queues, people, pauses), as_json=json)


def _queue(depth: reads.Depth, workers: list[registry.LiveWorker]) -> dict[str, Any]:
    serving = [w for w in workers if depth.queue in w.queues]
    return asdict(depth) | {
        "workers": len(serving),
        "slots": sum(w.slots for w in serving),
        "bound": conf.bound(depth.queue),
        "owner": conf.queues()[depth.queue].get("owner"),
    }


def _pause(pause: reads.Pause) -> dict[str, Any]:
    return {
        "queue": pause.queue,
        "vendor": pause.vendor,
        "kind": pause.kind,
        "reason": pause.reason,
        "by": pause.by,
        "since": pause.since,
        "until": pause.until,
        "seconds": round(pause.lasts.total_seconds()),
        "alert": pause.lasts >= LONG_PAUSE,
    }


def _text(queues: list[dict[str, Any]], people: list[dict[str, Any]], pauses: list[dict[str, Any]]) -> str:
    lines = [_rows(queues), ""]
    if pauses:
        lines += [_rows(pauses), ""]
    if people:
        return "\n".join([*lines, _rows(people)])
    start = f"celery -A <project> worker -Q {','.join(conf.queues())}"
    return "\n".join([*lines, f"No worker is alive. Start one: {start}"])


def _rows(entries: list[dict[str, Any]]) -> str:
    return table([*entries[0]], [[_cell(value) for value in entry.values()] for entry in entries])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return {"None": "-", "True": "yes", "False": "no"}.get(str(value), str(value))
