"""The last day as bars: what ended and how, what came, and where a deploy was."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from jobs.minutes import BAR, BARS, Bar
from jobs.models import Mark

BAR_WIDTH, HEIGHT = 10, 150  # units of the picture, which is stretched to the page's width
VISIBLE = 2.0  # units: one dead letter among thousands of successes must still be seen
APART = 14  # percent of the width between two marks' words
EDGE, FLAG_EDGE = 95, 80  # percent of the width from which on words stand to the left, or they would be cut off
LABELLED = 6  # hours between two times under the bars
KINDS = ("succeeded", "failed_permanent", "dead_lettered")  # from the ground up


@dataclass(frozen=True, slots=True)
class Flag:
    """A mark: where it stands, in percent; `shown`: there is room for its words."""

    x: float
    text: str
    by: str
    at: datetime
    shown: bool
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`kinds` are paths of the bars by kind, `unfinished` those of the newest bar, `came` what was enqueued, as a line.

    `top` is the highest value that there is room for.
    """

    kinds: list[tuple[str, str]]
    unfinished: list[tuple[str, str]]
    came: str
    top: int
    times: list[tuple[float, str, str]]
    flags: list[Flag]
    hours: list[tuple[datetime, int, int, int, int]]

    width = BAR_WIDTH * BARS
    height = HEIGHT


def chart(bars: Sequence[Bar], marks: Iterable[Mark]) -> Chart:
    top = _round_up(max((max(bar.counts.ended, bar.counts.enqueued) for bar in bars), default=0))
    drawn = [_bar(n, bar, top) for n, bar in enumerate(bars)]
    came = [f"{HEIGHT - _height(bar.counts.enqueued, top):.1f}h{BAR_WIDTH}" for bar in bars[:-1]]
    return Chart(
        kinds=[(kind, "".join(bar[kind] for bar in drawn[:-1])) for kind in KINDS],
        unfinished=[(kind, drawn[-1][kind]) for kind in KINDS],
        came=f"M0 {'V'.join(came)}",
        top=top,
        times=_times(bars),
        flags=_flags(bars, marks),
        hours=_hours(bars),
    )


def _bar(n: int, bar: Bar, top: int) -> dict[str, str]:
    """Its parts as paths, one upon the other."""
    floor, parts = float(HEIGHT), dict.fromkeys(KINDS, "")
    for kind in KINDS:
        height = _height(getattr(bar.counts, kind), top, thin=kind != "succeeded")
        floor -= height
        if height:
            parts[kind] = f"M{n * BAR_WIDTH + 1} {floor:.1f}h{BAR_WIDTH - 2}v{height:.1f}h{2 - BAR_WIDTH}z"
    return parts


def _height(count: int, top: int, *, thin: bool = False) -> float:
    height = HEIGHT * count / top
    return max(height, VISIBLE) if count and thin else height


def _round_up(count: int) -> int:
    """To a number of one digit, and zeros."""
    power = int("1" + "0" * (len(str(count)) - 1))
    return next(n * power for n in (1, 2, 3, 4, 5, 6, 8, 10) if n * power >= max(count, 1))


def _times(bars: Sequence[Bar]) -> list[tuple[float, str, str]]:
    found = []
    for n, bar in enumerate(bars):
        local = timezone.localtime(bar.start)
        if local.minute == 0 and local.hour % LABELLED == 0 and n:
            x = 100 * n / len(bars)
            found.append((x, f"{local:%H:%M}", "middle" if x < EDGE else "end"))
    return found


def _flags(bars: Sequence[Bar], marks: Iterable[Mark]) -> list[Flag]:
    found, free_from = [], 0.0
    for mark in marks:
        x = 100 * (mark.at - bars[0].start) / (BAR * len(bars))
        shown = x >= free_from
        free_from = x + APART if shown else free_from
        found.append(Flag(round(x, 2), mark.text, mark.by, mark.at, shown, "start" if x < FLAG_EDGE else "end"))
    return found


def _hours(bars: Sequence[Bar]) -> list[tuple[datetime, int, int, int, int]]:
    """The same as a table: four bars to a row, the newest first."""
    rows = []
    for n in range(0, len(bars), 4):
        four = [bar.counts for bar in bars[n : n + 4]]
        sums = [sum(getattr(counts, name) for counts in four) for name in ("enqueued", *KINDS)]
        rows.append((bars[n].start, sums[0], sums[1], sums[2], sums[3]))
    return rows[::-1]
