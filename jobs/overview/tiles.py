"""The six numbers at the top, each with its last day as a line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from jobs.overview.snapshot import COUNTED, DEAD_PER_HOUR, Snapshot
from jobs.words import span

WIDTH, HEIGHT = 96, 28  # of a line's picture, in units of its own: it is stretched to the tile
NOTHING = "-"
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Tile:
    """`line` and `area` are paths of SVG; `said` is what the picture shows, in words."""

    name: str
    label: str
    value: str
    note: str
    line: str
    area: str
    said: str
    level: str = ""


def tiles(now: Snapshot) -> list[Tile]:
    hour, bars = now.hour, now.bars
    more = "+" if any(queue.live.due >= COUNTED for queue in now.queues) else ""
    oldest = f"the oldest {span(now.oldest)}" if now.oldest is not None else "nothing is due"
    slots = f"{now.busy} of {now.slots} slots busy" if now.slots else "no worker is alive"
    # A minute is counted when it is over: who has just seen jobs end would miss them here.
    lately = f"in the hour to {now.counted + MINUTE:%H:%M} UTC" if now.counted else "counted each minute"
    most = f"of {DEAD_PER_HOUR} an hour"
    age = NOTHING if now.age is None else span(now.age)
    tiles = [
        _tile("depth", "Waiting", f"{now.depth:,}{more}", "due, not begun", _Day([b.depth for b in bars])),
        _tile("age", "95 % wait at most", age, oldest, _Day([b.age for b in bars], span)),
        _tile("success", "Succeed", percent(hour.success), lately, _Day([b.counts.success for b in bars], percent)),
        _tile("retry", "Are retried", percent(hour.retry), lately, _Day([b.counts.retry for b in bars], percent)),
        _tile("dead", "Dead letters", f"{now.dead_lately:,}", most, _Day([b.counts.dead_lettered for b in bars])),
        _tile(
            "saturation", "Workers busy", percent(now.saturation), slots, _Day([b.saturation for b in bars], percent)
        ),
    ]
    if now.dead_lately > DEAD_PER_HOUR:
        tiles[4] = replace(tiles[4], level="red")
    return tiles


def percent(share: float | None) -> str:
    """Without rounding up to all, or down to nothing; a digit more where it is near one of them."""
    if share is None:
        return NOTHING
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    digits = 0 if 0.1 <= share <= 0.9 else 1  # noqa: PLR2004 - see above
    return f"{min(max(100 * share, 0.1), 99.9):.{digits}f} %"


def _count(value: float | None) -> str:
    return f"{value or 0:,.0f}"


@dataclass(frozen=True, slots=True)
class _Day:
    """A tile's last day, and how one of its values is written."""

    values: Sequence[float | None]
    write: Callable[[float | None], str] = _count


def _tile(name: str, label: str, value: str, note: str, day: _Day) -> Tile:
    low = 0.9 if name == "success" else 0.0  # of a share that is nearly one only its dips tell anything
    line, area = picture(day.values, low=low)
    known = [v for v in day.values if v is not None]
    said = f"between {day.write(min(known))} and {day.write(max(known))}" if known else "nothing known so far"
    return Tile(name, label, value, note, line, area, f"over the last day {said}")


def picture(values: Sequence[float | None], low: float = 0.0) -> tuple[str, str]:
    """Paths of the line and of the area under it: a step for each value, a gap where there is none."""
    known = [v for v in values if v is not None]
    low = min([low, *known])
    high = max([*known, low]) or 1.0
    reach = (high - low) or 1.0
    step = WIDTH / max(len(values), 1)
    line, area, drawing = [], [], False
    for n, value in enumerate(values):
        x = f"{n * step:g}"
        if value is None:
            area += [f"V{HEIGHT}Z"] if drawing else []
            drawing = False
            continue
        y = f"{HEIGHT - 1 - (HEIGHT - 3) * (value - low) / reach:.1f}"
        line.append(f"V{y}H{(n + 1) * step:g}" if drawing else f"M{x} {y}H{(n + 1) * step:g}")
        area.append(f"V{y}H{(n + 1) * step:g}" if drawing else f"M{x} {HEIGHT}V{y}H{(n + 1) * step:g}")
        drawing = True
    return "".join(line), "".join([*area, f"V{HEIGHT}Z"] if drawing else area)
