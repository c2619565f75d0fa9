"""A week's ticks, hour by hour: for a terminal, and as SVG."""

import math
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from jobs.cli.retry_svg import FAINT, FONT, INK

if TYPE_CHECKING:
    from jobs.schedules.coming import Load

SHADES = " .:-=+*#%@"  # of a terminal, from nothing to the most
CELL, ROW, LEFT, TOP = 34, 30, 150, 76  # pixels
WIDTH = LEFT + 24 * CELL + 90
DARKEST = (11, 83, 148)


def as_text(load: "Load") -> str:
    """One line a day, one column an hour; a darker sign is more ticks."""
    head = " " * 12 + "".join(f"{hour:<6}" for hour in range(0, 24, 3))
    rows = []
    for day, ticks, change in zip(load.days, load.ticks, load.changes, strict=True):
        cells = "".join(_shade(n, load.most) * 2 for n in ticks)
        note = f"  clocks {_hours(change)}" if change else ""
        rows.append(f"{day:%a %m-%d}   {cells}  {sum(ticks):>7,}{note}")
    zone = getattr(load.days[0].tzinfo, "key", "UTC")
    return "\n".join([f"Ticks in each hour, {zone}; the most in one: {load.most:,}", head, *rows])


def _shade(ticks: int, most: int) -> str:
    return SHADES[math.ceil(_share(ticks, most) * (len(SHADES) - 1))]


def _share(ticks: int, most: int) -> float:
    """Square roots: an hour with one tick must still be seen beside one with a thousand."""
    return math.sqrt(ticks / most) if most else 0.0


def _hours(change: timedelta) -> str:
    return f"{change.total_seconds() / 3600:+g} h"


def picture(load: "Load") -> str:
    height = TOP + ROW * len(load.days) + 40
    zone = getattr(load.days[0].tzinfo, "key", "UTC")
    size = f'width="{WIDTH}" height="{height}"'
    title = f"A week of schedules: ticks in each hour, {zone}"
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
        f"<title>{title}</title>", f'<rect {size} fill="white"/>',
        f'<text x="24" y="32" fill="{INK}" font-size="18" font-weight="600">{title}</text>',
        *(f'<text x="{LEFT + hour * CELL}" y="{TOP - 10}" fill="{INK}" font-size="12">{hour:02}</text>'
          for hour in range(0, 24, 2)),
        *_rows(load), "</svg>", "",
    ])  # fmt: skip


def _rows(load: "Load") -> Iterator[str]:
    for number, (day, ticks, change) in enumerate(zip(load.days, load.ticks, load.changes, strict=True)):
        y = TOP + number * ROW
        note = f" ({_hours(change)})" if change else ""
        yield f'<text x="24" y="{y + 19}" fill="{INK}">{day:%a %d %b}{note}</text>'
        for hour, n in enumerate(ticks):
            yield from _cell(LEFT + hour * CELL, y, n, load.most)
        yield f'<text x="{LEFT + 24 * CELL + 12}" y="{y + 19}" fill="{INK}">{sum(ticks):,}</text>'


def _cell(x: int, y: int, ticks: int, most: int) -> Iterator[str]:
    share = _share(ticks, most)
    colour = "#" + "".join(f"{round(255 - (255 - c) * share):02x}" for c in DARKEST)
    yield f'<rect x="{x}" y="{y}" width="{CELL - 2}" height="{ROW - 2}" rx="3" fill="{colour}" stroke="{FAINT}"/>'
    if ticks:
        ink = "white" if share > 0.5 else INK  # noqa: PLR2004 - half as dark as can be
        yield (f'<text x="{x + CELL / 2 - 1}" y="{y + 18}" fill="{ink}" font-size="11" text-anchor="middle">'
               f"{_short(ticks)}</text>")  # fmt: skip


def _short(ticks: int) -> str:
    return str(ticks) if ticks < 1000 else f"{ticks / 1000:.1f}k"  # noqa: PLR2004 - four digits do not fit
