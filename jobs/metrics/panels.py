"""Panels of Grafana's dashboards, in the few shapes that they have. Each is of a metric of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.metrics.catalogue import metric

CHOSEN = {"queue": "$queue", "messaging_destination_name": "$queue", "vendor": "$vendor", "task": "$task",
          "flow": "$task"}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """`queries`: legend → PromQL. The unit is that of `of`, but for what `rate` makes of it."""

    title: str
    of: str
    queries: Mapping[str, str]
    kind: str = "timeseries"
    limit: float | None = None  # where it turns red
    falls: bool = False  # what is below the limit is red, and not what is above it
    signed: bool = False  # there is something below 0
    unit: str | None = None
    stacked: bool = False
    words: Mapping[int, str] | None = None  # what a state is called


def stat(title: str, of: str, query: str, limit: float | None = None, **look: Any) -> Panel:
    """One number."""
    return Panel(title=title, of=of, queries={title: query}, kind="stat", limit=limit, **look)


def line(title: str, of: str, *by: str, **look: Any) -> Panel:
    """A gauge as it is, a line for each set of these labels."""
    return Panel(title=title, of=of, queries={_legend(*by): greatest(of, *by)}, **look)


def ago(title: str, of: str) -> dict[str, Any]:
    """Seconds since a moment, for a panel's words."""
    return {"title": title, "of": of, "unit": "s", "queries": {"ago": f"time() - max({of})"}}


def p95(title: str, of: str, by: str, where: str = "") -> Panel:
    """Of a histogram, over five minutes."""
    rate = f"rate({of}_bucket{{{_selector(of, where)}}}[5m])"
    return Panel(title=title, of=of, queries={_legend(by): f"histogram_quantile(0.95, sum by (le, {by}) ({rate}))"})


def a_second(title: str, of: str, *by: str, suffix: str = "") -> Panel:
    """How often in a second."""
    query = greatest(of, *by, suffix=suffix, over="rate({}[5m])")
    return Panel(title=title, of=of, queries={_legend(*by): query}, unit="ops", stacked=True)


def an_hour(title: str, of: str, by: str, *beside: str, suffix: str = "") -> Panel:
    """How many within an hour, added up over all labels but `by`."""
    each = greatest(of, by, *beside, suffix=suffix, over="increase({}[1h])")
    query = f"sum by ({by}) ({each})" if beside else each
    return Panel(title=title, of=of, queries={_legend(by): query}, unit="short", stacked=True)


def heat(title: str, of: str, by: str) -> Panel:
    """A histogram over time: how many fell between which bounds."""
    query = f"sum by (le) ({greatest(of, 'le', by, suffix='_bucket', over='increase({}[5m])')})"
    return Panel(title=title, of=of, queries={"{{le}}": query}, kind="heatmap")


def states(title: str, of: str, query: str, legend: str, word: str) -> Panel:
    """A bar for each series while its query finds 1."""
    return Panel(title=title, of=of, queries={legend: query}, kind="state-timeline", words={1: word}, unit="short")


def greatest(of: str, *by: str, suffix: str = "", over: str = "{}", where: str = "") -> str:
    """Each series once, whoever exports it. `over`: what is made of a series before, as `rate({}[5m])`."""
    said = _selector(of, where)
    series = over.format(f"{of}{suffix}{{{said}}}" if said else f"{of}{suffix}")
    return f"max by ({', '.join(by)}) ({series})" if by else f"max({series})"


def _selector(of: str, where: str = "") -> str:
    """What the dashboard's variables have chosen, and more."""
    chosen = [f'{label}=~"{CHOSEN[label]}"' for label in metric(of).labels if label in CHOSEN]
    return ",".join([where, *chosen] if where else chosen)


def _legend(*by: str) -> str:
    return " ".join(f"{{{{{label}}}}}" for label in by) or "all"
