from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from jobs.cli.printing import say, table
from jobs.metrics import reading, snapshot
from jobs.metrics.catalogue import metric
from jobs.metrics.entries import Kind, Unit
from jobs.metrics.reading import Total
from jobs.metrics.samples import Sample
from jobs.own_connection import OwnConnection

help = "show every metric with its value of now; --write makes the pages, rules and dashboards from the catalogue"


MANY = 10_000  # from here on nobody asks for a fraction


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--write", type=Path, metavar="DIR", help="write docs/ and deploy/ there instead")
    parser.add_argument("--all", action="store_true", help="show what is 0 too")


def handle(command: BaseCommand, *, json: bool, write: Path | None, all: bool, **_: Any) -> None:  # noqa: A002
    if write is not None:
        _write(command, write, as_json=json)
        return
    with closing(OwnConnection("jobs metrics")) as own:
        found, ever = own.once(lambda c: (snapshot.newest(c), reading.ever(c)))
    told = {
        "taken_at": found.taken_at.isoformat(),
        "samples": [s.as_json() for s in found.samples],
        "totals": [[t.metric, dict(_of(t)), t.sums.count, t.sums.total] for t in ever],
    }
    rows = [
        [s.metric, _labels(s.labels), _value(s, found.taken_at.timestamp())] for s in found.samples if s.value or all
    ]
    rows += [[t.metric, _labels(_of(t)), _total(t)] for t in sorted(ever, key=lambda t: (t.metric, t.labels))]
    say(command, told, table(["metric", "labels", "value"], rows), as_json=json)


def _value(sample: Sample, now: float) -> str:
    """As people read it; `--json` has it as Prometheus is told."""
    match metric(sample.metric).unit:
        case Unit.MOMENT:
            ago = now - sample.value
            return f"{ago:,.0f} s ago" if ago >= 0 else f"in {-ago:,.0f} s"
        case Unit.BYTES:
            return f"{sample.value / 1e6:,.1f} MB"
    return f"{sample.value:,.4g}" if abs(sample.value) < MANY else f"{sample.value:,.0f}"


def _total(total: Total) -> str:
    """Of a counter how many; of a histogram and a summary also how much on average."""
    entry, sums = metric(total.metric), total.sums
    if entry.kind is Kind.COUNTER or not sums.count:
        return f"{sums.count:,}"
    return f"{sums.count:,}, on average {sums.total / sums.count:.3g} s"


def _of(total: Total) -> list[tuple[str, str]]:
    return list(zip(metric(total.metric).labels, total.labels, strict=True))


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
