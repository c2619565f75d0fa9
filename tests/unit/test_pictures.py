"""The overview's pictures: tiles with a line, and the day as bars."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from jobs.minutes import BAR, Bar, Counts
from jobs.models import Mark
from jobs.overview.chart import HEIGHT, chart
from jobs.overview.tiles import percent, picture

START = datetime(2026, 11, 27, tzinfo=UTC)


def bars(*counts: Counts) -> list[Bar]:
    return [Bar(START + n * BAR, each) for n, each in enumerate(counts)]


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "-"), (0, "0 %"), (1, "100 %"), (0.00001, "0.1 %"), (0.99999, "99.9 %"), (0.254, "25 %"), (0.025, "2.5 %")],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share, text):
    assert percent(share) == text


def test_a_line_steps_and_has_a_gap_where_nobody_looked():
    line, area = picture([0, None, 2, 1])
    assert line == "M0 27.0H24M48 2.0H72V14.5H96"
    assert area.count("Z") == 2


@pytest.mark.parametrize("values", [[], [None], [0, 0], [None, 5.0]])
def test_a_line_of_little_is_a_line_too(values):
    line, area = picture(values)
    assert re.fullmatch(r"[MVH\d. Z]*", line + area)


def test_one_dead_letter_among_thousands_is_seen():
    drawn = chart(bars(Counts(enqueued=5_000, succeeded=5_000, dead_lettered=1), Counts()), [])
    assert "v2.0" in dict(drawn.kinds)["dead_lettered"]
    assert drawn.top == 6_000


def test_nothing_at_all_is_drawn_as_nothing():
    drawn = chart(bars(Counts(), Counts()), [])
    assert (drawn.top, [path for _, path in drawn.kinds]) == (1, ["", "", ""])
    assert drawn.came == f"M0 {HEIGHT:.1f}h10"


def test_marks_that_stand_close_share_one_place_for_words():
    day = bars(*[Counts()] * 96)
    marks = [Mark(at=START + timedelta(hours=hours), by="ann", text=f"deploy {hours}") for hours in (2, 3, 23)]
    assert [(flag.shown, flag.anchor) for flag in chart(day, marks).flags] == [
        (True, "start"),
        (False, "start"),
        (True, "end"),
    ]


def test_the_table_beside_it_has_the_hours_newest_first():
    day = bars(*[Counts(enqueued=1, succeeded=n) for n in range(8)])
    assert chart(day, []).hours == [
        (START + timedelta(hours=1), 4, 22, 0, 0),
        (START, 4, 6, 0, 0),
    ]
