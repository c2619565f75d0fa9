"""The figures: what a work found, what was asked of it, and both as JSON and as a table."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

PACKAGES = ("celery", "kombu", "redis", "django", "psycopg")
ROOT_KEYS = ("work", "ours", "peer", "ratio_min", "ratio_median", "ratio_max", "rounds")


@dataclass(frozen=True)
class Run:
    """One work against one peer.

    Args:
        work: its short form.
        peer: the name of who it is compared with.
        pairs: of each round our figure and the peer's. Figures of different rounds are never compared.
        unit: of the figures.
        bar: the target: what the ratio of ours to the peer's is to reach; None: shown, nothing asked.
        low: a small ratio is a good one.
        more: further medians, such as the processor's time per job.
        load: of the machine over the last minute, in each round.
    """

    work: str
    peer: str
    pairs: Sequence[tuple[float, float]]
    unit: str
    bar: float | None = None
    low: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    load: Sequence[float] = ()

    @property
    def ratios(self) -> list[float]:
        return [ours / peer for ours, peer in self.pairs]

    @property
    def reached(self) -> bool | None:
        if self.bar is None:
            return None
        found = median(self.ratios)
        return found <= self.bar if self.low else found >= self.bar

    def as_json(self) -> dict[str, Any]:
        ratios = self.ratios
        return {
            "work": self.work,
            "ours": _rounded(median(ours for ours, _ in self.pairs)),
            "peer": self.peer,
            "peers": _rounded(median(peer for _, peer in self.pairs)),
            "unit": self.unit,
            "ratio_min": _rounded(min(ratios)),
            "ratio_median": _rounded(median(ratios)),
            "ratio_max": _rounded(max(ratios)),
            "rounds": len(ratios),
            "bar": self.bar,
            "better": "lower" if self.low else "higher",
            "reached": self.reached,
            "load": [round(load, 1) for load in self.load],
            **self.more,
        }


def _rounded(value: float) -> float:
    """Three digits that mean something."""
    return float(f"{value:.4g}") if abs(value) < 1000 else round(value)


def machine() -> dict[str, Any]:
    return {
        "cpus": os.cpu_count(),
        "processor": _processor(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_1m": round(os.getloadavg()[0], 2),
        "versions": {name: version(name) for name in PACKAGES},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def table(runs: Sequence[Mapping[str, Any]]) -> None:
    """Print what a person wants to see first."""
    shown = Table(title="Ours, durable in PostgreSQL, against each peer; medians of interleaved rounds")
    for heading in ("work", "against", "ours", "peer", "unit", "ratio", "target", ""):
        shown.add_column(heading, justify="left" if heading in ("work", "against", "unit", "") else "right")
    for run in runs:
        sign = "≤" if run["better"] == "lower" else "≥"
        shown.add_row(
            run["work"], run["peer"], f"{run['ours']:,}", f"{run['peers']:,}", run["unit"],
            f"{run['ratio_median']} [{run['ratio_min']} to {run['ratio_max']}]",
            "" if run["bar"] is None else f"{sign} {run['bar']:g}",
            {None: "", True: "✓", False: "✗"}[run["reached"]],
        )  # fmt: skip
    Console().print(shown)
