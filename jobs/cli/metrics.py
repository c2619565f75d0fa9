from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.printing import say, table
from jobs.metrics import snapshot
from jobs.own_connection import OwnConnection

help = "show every metric with its value of now; --write makes the pages, rules and dashboards from the catalogue"


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--write", type=Path, metavar="DIR", help="write docs/ and deploy/ there instead")
    parser.add_argument("--all", action="store_true", help="show what is 0 too")


def handle(command: BaseCommand, *, json: bool, write: Path | None, all: bool, **_: Any) -> None:  # noqa: A002
    if write is not None:
        _write(command, write, as_json=json)
        return
    with closing(OwnConnection("jobs metrics")) as own:
        found = own.once(snapshot.newest)
    told = {"taken_at": found.taken_at.isoformat(), "samples": [s.as_json() for s in found.samples]}
    rows = [[s.metric, _labels(s.labels), f"{s.value:g}"] for s in found.samples if s.value or all]
    say(command, told, table(["metric", "labels", "value"], rows), as_json=json)


def files() -> dict[str, str]:
    """Path → text of all that is generated."""
    from jobs.metrics import dashboards, page, rules

    boards = {f"deploy/grafana/{name}": text for name, text in dashboards.files().items()}
    return {"docs/metrics.md": page.text(), "deploy/prometheus/jobs.rules.yml": rules.text(), **boards}


def _write(command: BaseCommand, directory: Path, *, as_json: bool) -> None:
    for name, text in files().items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        say(command, {"written": str(path)}, f"written: {path}", as_json=as_json)


def _labels(labels: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in labels)
