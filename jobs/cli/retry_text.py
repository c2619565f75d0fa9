"""A retry policy's plan for a terminal: a table, and a chart of when each attempt starts."""

from collections.abc import Sequence
from datetime import timedelta

from jobs.cli.printing import table
from jobs.retry import RetryPolicy
from jobs.retry_plan import Planned, Scale, scale, shown

WIDTH = 72  # columns of the axis; with the attempt's number it fits a terminal of 80
APART = 0.11  # of the axis, between two marks: room for "12 h" and a gap
ASCII = str.maketrans({"─": "-", "├": "|", "┤": "|", "●": "o", "┆": ":", "╵": "'"})


def summary(policy: RetryPolicy) -> str:
    jitter = "no jitter" if policy.jitter == "none" else f"{policy.jitter} jitter"
    deadline = "" if policy.deadline is None else f", deadline {shown(policy.deadline)}"
    return f"{policy.max_attempts} attempts, base {shown(policy.base)}, cap {shown(policy.cap)}, {jitter}{deadline}"


def as_table(policy: RetryPolicy, planned: Sequence[Planned]) -> str:
    head = ["attempt", "waits from", "median", "to", "starts from", "p50", "to"]
    rows = [[p.attempt, *(shown(s) for r in (p.wait, p.start) for s in (r.earliest, r.median, r.latest))]
            for p in planned]  # fmt: skip
    if policy.deadline is not None:
        head.append("in time")
        rows = [[*row, f"{p.in_time:.0%}"] for row, p in zip(rows, planned, strict=True)]
    return table(head, rows)


def as_chart(policy: RetryPolicy, planned: Sequence[Planned]) -> str:
    """One line per attempt, from its earliest to its latest start; the dot is where half of the jobs have started."""
    along = scale(policy, planned)
    line = None if policy.deadline is None else _column(along, policy.deadline)
    rows = [f"{p.attempt:>6} {_bar(along, p, line)}".rstrip() for p in planned]
    notes = [] if policy.deadline is None else [" " * 7 + f"┆ deadline {shown(policy.deadline)}"]
    return "\n".join([*rows, *_axis(along), *notes])


def _bar(along: Scale, planned: Planned, line: int | None) -> str:
    cells = [" "] * (WIDTH + 1)
    first, middle, last = (_column(along, at) for at in (
        planned.start.earliest, planned.start.median, planned.start.latest))  # fmt: skip
    cells[first : last + 1] = "─" * (last + 1 - first)
    cells[first], cells[last] = "├", "┤"
    if line is not None:
        cells[line] = "┆"
    cells[middle] = "●"
    return "".join(cells)


def _axis(along: Scale) -> list[str]:
    ticks, labels = [" "] * (WIDTH + 12), [" "] * (WIDTH + 12)
    for mark in along.marks(APART):
        column, label = _column(along, mark), shown(mark)
        ticks[column] = "╵"
        labels[column : column + len(label)] = label
    return [(" " * 7 + "".join(cells)).rstrip() for cells in (ticks, labels)]


def _column(along: Scale, moment: timedelta) -> int:
    return round(along.at(moment) * WIDTH)


def writable(text: str, encoding: str | None) -> str:
    """The text, in ASCII where the terminal's encoding knows no lines."""
    try:
        text.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return text.translate(ASCII)
    return text
