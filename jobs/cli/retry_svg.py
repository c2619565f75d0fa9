"""A retry policy's plan as a picture: SVG, which every browser and every wiki shows."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from xml.sax.saxutils import escape

from jobs.cli.retry_text import summary
from jobs.retry import RetryPolicy
from jobs.retry_plan import Planned, Scale, scale, shown

WIDTH, LEFT, RIGHT = 960, 90, 200  # pixels: the picture, and beside the axis the numbers
ROW, BAR, HEAD, FOOT = 24, 12, 84, 44  # pixels: a line, a bar in it, above and below the lines of one policy
INK, FAINT, RANGE, LATE, MEDIAN, DEADLINE = "#1f2933", "#d9e2ec", "#9fc5e8", "#d5d8dc", "#0b5394", "#c0392b"

FONT = 'font-family="system-ui, sans-serif" font-size="13"'
NOTE = "Bars: from the earliest to the latest start of an attempt if all before it fail. The axis is logarithmic."

Section = tuple[str, RetryPolicy, Sequence[Planned]]


def picture(title: str, sections: Sequence[Section]) -> str:
    """One chart per policy, below each other. `sections`: title, policy and plan of each."""
    drawn: list[str] = []
    top = 40
    for name, policy, planned in sections:
        drawn += _section(name, policy, planned, top)
        top += HEAD + ROW * len(planned) + FOOT
    size = f'width="{WIDTH}" height="{top + 8}"'
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {WIDTH} {top + 8}" role="img" {FONT}>',
        f"<title>{escape(title)}</title>", f'<rect {size} fill="white"/>',
        _text(24, 32, title, font_size=18, font_weight=600), *drawn, _text(24, top - 4, NOTE, font_size=12),
        "</svg>", "",
    ])  # fmt: skip


def _section(name: str, policy: RetryPolicy, planned: Sequence[Planned], top: int) -> Iterator[str]:
    along, bottom = scale(policy, planned), top + HEAD + ROW * len(planned)
    yield _text(24, top + 26, name, font_size=15, font_weight=600)
    yield _text(24, top + 45, summary(policy))
    yield _text(24, top + HEAD - 6, "attempt", font_size=12)
    yield _text(WIDTH - RIGHT + 16, top + HEAD - 6, "half of the jobs by", font_size=12)
    for mark in along.marks(0.08):
        yield _line(_x(along, mark), top + HEAD, bottom, FAINT)
        yield _text(_x(along, mark), bottom + 18, shown(mark), text_anchor="middle", font_size=12)
    for n, attempt in enumerate(planned):
        yield from _row(policy, along, attempt, top + HEAD + ROW * n)
    if policy.deadline is not None:
        at = _x(along, policy.deadline)
        side = "start" if at < WIDTH / 2 else "end"
        yield _line(at, top + HEAD - 12, bottom, DEADLINE, dashes=True)
        yield _text(at, top + HEAD - 18, f"deadline {shown(policy.deadline)}", text_anchor=side, fill=DEADLINE)


def _row(policy: RetryPolicy, along: Scale, planned: Planned, top: int) -> Iterator[str]:
    start, y = planned.start, top + (ROW - BAR) // 2
    ends = start.latest if policy.deadline is None else max(start.earliest, min(start.latest, policy.deadline))
    late = policy.deadline is not None and start.earliest > policy.deadline
    yield _text(LEFT - 12, top + 17, str(planned.attempt), text_anchor="end")
    yield _bar(_x(along, start.earliest), _x(along, start.latest), y, LATE)
    if not late:
        yield _bar(_x(along, start.earliest), _x(along, ends), y, RANGE)
    yield f'<circle cx="{_x(along, start.median):.1f}" cy="{y + BAR / 2}" r="4.5" fill="{MEDIAN}"/>'
    told = shown(start.median) + ("" if policy.deadline is None else f", {planned.in_time:.0%} in time")
    yield _text(WIDTH - RIGHT + 16, top + 17, told)


def _x(along: Scale, moment: timedelta) -> float:
    return LEFT + along.at(moment) * (WIDTH - LEFT - RIGHT)


def _bar(left: float, right: float, y: float, colour: str) -> str:
    return f'<rect x="{left:.1f}" y="{y}" width="{max(right - left, 2):.1f}" height="{BAR}" rx="2" fill="{colour}"/>'


def _line(x: float, top: float, bottom: float, colour: str, *, dashes: bool = False) -> str:
    style = ' stroke-dasharray="5 4" stroke-width="1.5"' if dashes else ""
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="{colour}"{style}/>'


def _text(x: float, y: float, text: str, **style: object) -> str:
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in ({"fill": INK} | style).items())
    return f'<text x="{x:.1f}" y="{y}"{attributes}>{escape(text)}</text>'
