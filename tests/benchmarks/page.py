"""The figures in docs/performance.md and in the README, written by a run with `--plot`; other works keep their own."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.benchmarks import plot
from tests.processes import ROOT

CHARTS = ROOT / "docs" / "charts"
PAGE, README = ROOT / "docs" / "performance.md", ROOT / "README.md"
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
COLUMNS = ("work", "against", "ours", "the peer", "ratio: median (least to most)", "target", "rounds", "load")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|\n"
SHOWN = frozenset({
    ("drain", "celery"),
    ("drain", "pgqueuer-100"),
    ("drain-orm", "celery-django"),
    ("enqueue", "celery-after-insert"),
    ("enqueue-many", "celery"),
    ("latency", "celery-after-insert p50"),
})  # fmt: skip


def write(runs: Sequence[Mapping[str, Any]], machine: Mapping[str, Any]) -> None:
    """Merge the runs into the figures that are kept, and draw and write everything from those."""
    kept = CHARTS / "figures.json"
    CHARTS.mkdir(parents=True, exist_ok=True)
    figures = json.loads(kept.read_text()) if kept.exists() else {"runs": []}
    fresh = {(run["work"], run["peer"]): run for run in runs}
    measured = {work for work, _ in fresh}
    merged = [run for run in figures["runs"] if run["work"] not in measured] + list(fresh.values())
    kept.write_text(json.dumps({"runs": merged, "machine": machine}, indent=1) + "\n")
    plot.draw(merged, CHARTS)
    _put(PAGE, f"{_where(machine)}\n\n{HEADER}{''.join(map(_row, merged))}")
    shown = [run for run in merged if (run["work"], run["peer"]) in SHOWN]
    _put(README, f"{HEADER}{''.join(map(_row, shown))}")


def _where(machine: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    day = datetime.now(UTC).date()
    return (
        f"Measured on {day}, {machine['cpus']} cores ({machine['processor']}), Python {machine['python']}, {versions}."
    )


def _row(run: Mapping[str, Any]) -> str:
    sign = "≤" if run["better"] == "lower" else "≥"
    target = "" if run["bar"] is None else f"{sign} {run['bar']:g} {'✓' if run['reached'] else '✗'}"
    ratio = f"{run['ratio_median']:g} ({run['ratio_min']:g} to {run['ratio_max']:g})"
    load = f"{min(run['load']):g} to {max(run['load']):g}" if run["load"] else ""
    return (f"| `{run['work']}` | {run['peer']} | {run['ours']:,} {run['unit']} | {run['peers']:,} {run['unit']} | "
            f"{ratio} | {target} | {run['rounds']} | {load} |\n")  # fmt: skip


def _put(path: Path, text: str) -> None:
    """Between the page's two marks."""
    whole = path.read_text()
    before, rest = whole.split(BEGIN, 1)
    path.write_text(f"{before}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}")
