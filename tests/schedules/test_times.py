"""When things tick, against two oracles that share no line with it: cronsim, and a walk over every minute."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim

from jobs.schedules.times import Clocked, Crontab, Interval, TimingError, Within, read

START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ZONES = (
    "Europe/Berlin", "Europe/London", "America/New_York", "America/St_Johns", "America/Santiago", "America/Havana",
    "Africa/Casablanca", "Asia/Kolkata", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Chatham", "Antarctica/Troll",
)  # fmt: skip
CRONTABS = (
    "0 0 * * *", "30 0 * * *", "15 1 * * *", "30 1 * * *", "45 1 * * *", "0 2 * * *", "15 2 * * *", "30 2 * * *",
    "59 2 * * *", "0 3 * * *", "5 3 * * *", "30 3 * * *", "0 4 * * *", "59 23 * * *", "30 23 * * *", "0 12 * * *",
    "0,30 2 * * *", "0,20,40 1-3 * * *", "10-14 2 * * *", "15 0-4 * * *", "30 1,2,3 * * *", "0 8-18 * * 1-5",
    "0 2 * * 0", "30 2 * * sun", "0 9 * * mon-fri", "0 6 1 * *", "0 2 29 3 *", "30 2 25 10 *", "0 0 1 1 *",
    "0 5 31 * *", "0 5 29 2 *", "15 3 1-7 * *", "0 22 * * 6", "0 2 * 3,10,11 *", "1 1 * 4 *",
    "0 * * * *", "15 * * * *", "30 * * * *", "*/20 * * * 0", "*/30 2 * * *", "*/15 1-3 * * *", "*/7 * * * 0",
    "* 2 * * 0", "*/45 0-5 * 3,4,10,11 *", "5 */2 * * *", "0 */6 * * *", "7,37 * * * 0", "0 */5 * * 1",
    "*/30 22-23 * * *", "59 */3 * * *",
)  # fmt: skip
# The other oracle takes an hour's step through a change that is not at a full hour, and loses what is between.
BLIND = {"Australia/Lord_Howe", "Pacific/Chatham"}

SEEING = [zone for zone in ZONES if zone not in BLIND]


def ours(text, zone, start, end, **policy):
    crontab = Crontab(*text.split(), zone, **policy)
    return list(takewhile(lambda tick: tick < end, crontab.ticks(start - MINUTE / 60)))


def cronsims(text, zone, start, end):
    simulated = CronSim(text, (start - MINUTE / 60).astimezone(ZoneInfo(zone)))
    ticks = (tick.astimezone(UTC) for tick in simulated)
    return list(takewhile(lambda tick: tick < end, ticks))


@cache
def changes(zone):
    """The first minute after each change of the zone's clocks."""
    found, at = [], START
    while at < END:
        if _offset(zone, at) != _offset(zone, at + HOUR):
            found.append(next(m for m in (at + n * MINUTE for n in range(61)) if _offset(zone, m) != _offset(zone, at)))
        at += HOUR
    return found


def _offset(zone, at):
    return at.astimezone(ZoneInfo(zone)).utcoffset()


def test_there_are_fifty_crontabs_and_every_change_of_twelve_zones():
    assert len(set(CRONTABS)) == 50
    assert len(set(ZONES)) == 12
    assert {zone: len(changes(zone)) for zone in ZONES} == dict.fromkeys(ZONES, 4) | {"Asia/Kolkata": 0}


@pytest.mark.parametrize("zone", SEEING)
def test_two_years_are_those_of_debians_cron(zone):
    for text in CRONTABS:
        assert ours(text, zone, START, END) == cronsims(text, zone, START, END), (text, zone)


@pytest.mark.parametrize("zone", SEEING)
def test_the_days_around_every_change_are_those_of_debians_cron(zone):
    for change in changes(zone):
        start, end = change - DAY, change + DAY
        for text in CRONTABS:
            assert ours(text, zone, start, end) == cronsims(text, zone, start, end), (text, zone, change)


# -- policies, against a walk over every minute -----------------------------------------------------------------------

POLICIES = [(f, b) for f in ("skip", "once") for b in ("once", "both", "skip")]


AROUND = 6 * HOUR


@cache
def clock(zone, change):
    """What the wall clock shows at each minute around a change, and which of its times never come."""
    walls = {}
    for minute in (change - AROUND + n * MINUTE for n in range(720)):
        walls.setdefault(minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0), []).append(minute)
    first, last = min(walls), max(walls)
    every = (first + n * MINUTE for n in range(int((last - first) / MINUTE)))
    return walls, [wall for wall in every if wall not in walls]


def walk(text, zone, change):
    """The moments that fit, by how often their wall clock comes, and whether one that never comes would fit."""
    walls, never = clock(zone, change)
    fits = _matcher(text)
    return [twice for wall, twice in walls.items() if fits(wall)], any(fits(wall) for wall in never)


def _chosen(moments, back):
    return moments if len(moments) == 1 else {"once": moments[:1], "both": moments, "skip": []}[back]


def _matcher(text):
    crontab = CronSim(text, datetime(2026, 1, 1))  # noqa: DTZ001 - it walks a wall clock
    return lambda wall: (
        wall.minute in crontab.minutes and wall.hour in crontab.hours and wall.month in crontab.months
        and crontab.match_day(wall)
    )  # fmt: skip


@pytest.mark.parametrize("zone", [zone for zone in ZONES if zone != "Asia/Kolkata"])
def test_each_policy_is_what_a_walk_over_every_minute_finds(zone):
    for change in changes(zone):
        for text in CRONTABS:
            fitting, left_out = walk(text, zone, change)
            for forward, back in POLICIES:
                wanted = {moment for moments in fitting for moment in _chosen(moments, back)}
                wanted |= {change} if left_out and forward == "once" else set()
                found = ours(text, zone, change - AROUND, change + AROUND, forward=forward, back=back)
                assert found == sorted(wanted), (text, zone, change, forward, back)


# -- by hand, as docs/schedules.md shows them --------------------------------------------------------------------------


def on(text, day, zone="Europe/Berlin", **policy):
    start = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return [f"{tick.astimezone(ZoneInfo(zone)):%H:%M%z}" for tick in ours(text, zone, start, start + DAY, **policy)]


SPRING, AUTUMN = "2027-03-28", "2027-10-31"


def test_a_time_of_day_that_is_left_out_ticks_at_the_change_or_not_at_all():
    assert on("30 2 * * *", SPRING) == ["03:00+0200"]
    assert on("0,30 2 * * *", SPRING) == ["03:00+0200"]
    assert on("30 2 * * *", SPRING, forward="skip") == []


def test_a_time_of_day_that_comes_twice_ticks_once_twice_or_not_at_all():
    assert on("30 2 * * *", AUTUMN) == ["02:30+0200"]
    assert on("30 2 * * *", AUTUMN, back="both") == ["02:30+0200", "02:30+0100"]
    assert on("30 2 * * *", AUTUMN, back="skip") == []


def test_a_pace_goes_on_through_both():
    spring, autumn = on("15 * * * *", SPRING), on("15 * * * *", AUTUMN)
    assert spring[1:3] == ["01:15+0100", "03:15+0200"]
    assert autumn[2:4] == ["02:15+0200", "02:15+0100"]
    assert on("15 * * * *", SPRING, forward="once")[2] == "03:00+0200"


def test_a_day_must_fit_both_its_date_and_its_weekday_as_celery_has_it():
    ticks = ours("0 12 13 * 5", "UTC", START, END)
    assert [f"{tick:%a %d}" for tick in ticks] == ["Fri 13"] * len(ticks)
    assert len(ticks) == 4


def test_a_rare_day_is_found_and_an_impossible_one_ends():
    (first, second) = islice(Crontab("0", "0", "29", "2", "0", "UTC").ticks(START), 2)
    assert (first.year, second.year) == (2032, 2060)
    with pytest.raises(ValueError, match="never occurs"):
        Crontab("0", "0", "30", "2", "*", "UTC")


def test_a_day_that_a_zone_never_had():
    ticks = list(islice(Crontab("0", "9", "*", "*", "*", "Pacific/Apia").ticks(datetime(2011, 12, 29, tzinfo=UTC)), 3))
    assert [f"{tick:%d %H}" for tick in ticks] == ["29 19", "30 10", "30 19"]  # all of the 30th at its end, by `once`


def test_an_interval_counts_elapsed_time_from_its_anchor():
    anchor = datetime(2027, 3, 27, 12, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    ticks = list(islice(Interval(DAY, anchor).ticks(anchor), 2))
    assert [f"{tick.astimezone(ZoneInfo('Europe/Berlin')):%H}" for tick in ticks] == ["13", "13"]
    assert next(Interval(7 * MINUTE, anchor).ticks(anchor + 20 * MINUTE)) == anchor + 21 * MINUTE
    assert next(Interval(7 * MINUTE, anchor).ticks(anchor - HOUR)) == anchor


def test_the_sun_rises_once_a_day_and_not_in_a_polar_night():
    sun = read({"solar": ["sunrise", "52.52", "13.405"]}, START)
    ticks = list(takewhile(lambda tick: tick < START + 365 * DAY, sun.ticks(START)))
    assert len(ticks) == 365
    assert {tick.microsecond for tick in ticks} == {0}
    assert abs(ticks[0] - datetime(2026, 1, 1, 7, 17, tzinfo=UTC)) < 2 * MINUTE
    late = ticks[100] - 3 * HOUR
    assert next(sun.ticks(late)) == ticks[100]  # wherever one begins, the same moments are found
    polar = read({"solar": ["sunrise", "69.65", "18.96"]}, START)
    rises = list(takewhile(lambda tick: tick < START + 365 * DAY, polar.ticks(START)))
    assert 200 < len(rises) < 320
    assert max(b - a for a, b in pairwise(rises)) > 50 * DAY
    assert len(list(islice(read({"solar": ["solar_noon", "0", "0"]}, START).ticks(START), 10))) == 10


def test_one_moment_and_bounds():
    assert list(Clocked(START).ticks(START)) == []
    assert list(Clocked(START).ticks(START - MINUTE)) == [START]
    bounded = Within(Interval(HOUR, START), START + HOUR, START + 3 * HOUR)
    assert list(bounded.ticks(START - DAY)) == [START + HOUR, START + 2 * HOUR]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "0 kinds of times"),
        ({"interval": [1, "days"], "clocked": "2026-01-01T00:00:00Z"}, "2 kinds of times"),
        ({"interval": [1, "microseconds"]}, "nothing ticks faster than once a second"),
        ({"crontab": ["61", "*", "*", "*", "*", "UTC"], "forward": "auto", "back": "auto"}, "crontab cannot be read"),
        ({"crontab": ["1", "*", "*", "*", "*", "Mars/Base"], "forward": "auto", "back": "auto"}, "Mars/Base"),
        ({"solar": ["sunrise", "91", "0"]}, "solar cannot be read"),
        ({"clocked": "tomorrow"}, "clocked cannot be read"),
    ],
)
def test_times_that_cannot_be_read_are_named(spec, said):
    with pytest.raises(TimingError, match=said):
        read(spec, START)
