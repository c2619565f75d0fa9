from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from idempotency import reads
from jobs import conf, registry
from jobs.cli.printing import table

help = "show queues and workers: what waits, runs and was given up, who serves it"


def add_arguments(_: ArgumentParser) -> None: ...


def handle(command: BaseCommand, *, json: bool, **_: Any) -> None:
    workers = registry.live(connection)
    queues = [
        {
            "queue": depth.queue,
            "claimable": depth.claimable,
            "waiting": depth.waiting,
            "parked": depth.parked,
            "processing": depth.processing,
            "given_up": depth.given_up,
            "paused": depth.paused,
            "workers": sum(depth.queue in w.queues for w in workers),
            "slots": sum(w.slots for w in workers if depth.queue in w.queues),
            "owner": conf.queues()[depth.queue].get("owner"),
        }
        for depth in reads.depths(connection, list(conf.queues()))
    ]
    people = [{"worker": w.name, "queues": list(w.queues), "busy": w.busy, "slots": w.slots} for w in workers]
    if json:
        import json as encoder

        command.stdout.write(encoder.dumps({"queues": queues, "workers": people}))
        return
    command.stdout.write(table([*queues[0]], [[_cell(v) for v in q.values()] for q in queues]))
    command.stdout.write("")
    rows = [[w["worker"], ",".join(w["queues"]), f"{w['busy']}/{w['slots']}"] for w in people]
    command.stdout.write(table(["worker", "queues", "busy"], rows) if rows else "No worker is alive. Start one: "
                         "celery -A <project> worker -Q " + ",".join(conf.queues()))  # fmt: skip


def _cell(value: Any) -> str:
    return (
        {None: "-", True: "yes", False: "no"}.get(value, value)
        if value is None or value is True or value is False
        else str(value)
    )
