"""The charts of docs/performance.md, drawn from the figures of a run."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams["svg.hashsalt"] = "benchmarks"  # the same figures make the same file
from matplotlib import pyplot as plt  # noqa: E402 - the back end is chosen first

OURS, THEIRS, BAR = "#0b7285", "#adb5bd", "#e03131"
Runs = Sequence[Mapping[str, Any]]


def draw(runs: Runs, place: Path) -> list[Path]:
    """Write those charts whose works were measured; returns their files."""
    place.mkdir(parents=True, exist_ok=True)
    drained = [run for run in runs if run["work"] == "drain"]
    return [
        *([_rates(drained, place / "drain.svg")] if drained else []),
        *([_bars(runs, place / "bars.svg")] if any(run["bar"] for run in runs) else []),
    ]


def _rates(runs: Runs, path: Path) -> Path:
    """Jobs a second of each, longest first; the axis is logarithmic, because a linear one shows two of them."""
    rates = {"this project": max(run["ours"] for run in runs), **{run["peer"]: run["peers"] for run in runs}}
    names = sorted(rates, key=rates.__getitem__)
    figure, axes = plt.subplots(figsize=(7, 0.4 * len(names) + 0.9))
    bars = axes.barh(names, [rates[n] for n in names], color=[OURS if n == "this project" else THEIRS for n in names])
    axes.bar_label(bars, labels=[f"{rates[n]:,.0f}" for n in names], padding=4)
    axes.set_xscale("log")
    axes.set_xlim(right=max(rates.values()) * 2.5)
    axes.set_xlabel("no-op jobs per second, two processes on two cores (logarithmic)")
    return _saved(figure, axes, path)


def _bars(runs: Runs, path: Path) -> Path:
    """How each ratio compares with its target: 1 is reached, right of it is better. A line spans the rounds."""
    asked = [run for run in runs if run["bar"]]
    figure, axes = plt.subplots(figsize=(7, 0.34 * len(asked) + 0.9))
    for place, run in enumerate(reversed(asked)):
        low, middle, high = sorted(_cleared(run, name) for name in ("ratio_min", "ratio_median", "ratio_max"))
        axes.plot((low, high), (place, place), color=OURS, linewidth=2)
        axes.plot(middle, place, "o", color=OURS)
    axes.set_yticks(range(len(asked)), [f"{run['work']} against {run['peer']}" for run in reversed(asked)])
    axes.axvline(1, color=BAR, linewidth=1)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("times the target (red): to the right is better")
    return _saved(figure, axes, path)


def _cleared(run: Mapping[str, Any], name: str) -> float:
    return float(run["bar"] / run[name] if run["better"] == "lower" else run[name] / run["bar"])


def _saved(figure: Any, axes: Any, path: Path) -> Path:
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)
    return path
