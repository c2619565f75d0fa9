"""Beats whose machines' clocks are an hour off: nothing fires early or twice, and somebody is told."""

import json
from datetime import timedelta

from django.core.management import call_command

from jobs.schedules.models import Beat, Tick
from tests.chaos.nemesis.clock import PACKAGE, skewed
from tests.processes import wait_until
from tests.schedules.making import now, outcomes, schedule
from tests.servers.session import require

SECOND, HALF_AN_HOUR = timedelta(seconds=1), timedelta(minutes=30)


def test_beats_whose_clocks_are_an_hour_off_fire_nothing_early_or_twice_and_raise_an_alert(programs, capsys):
    library = require(PACKAGE)
    early, late = (programs.beat(env=skewed(library, offset)) for offset in ("+1h", "-1h"))
    wait_until(lambda: Beat.objects.count() == 2, 30, "both beats report")
    start = now().replace(microsecond=0) + 3 * SECOND
    made = schedule("every second", every=SECOND, start_time=start)
    to_come = schedule("in half an hour", every=2 * HALF_AN_HOUR, start_time=start + HALF_AN_HOUR)
    wait_until(lambda: len(outcomes(made)) >= 3, 30)
    late.kill()  # from now on the early one alone
    alone = len(outcomes(made))
    wait_until(lambda: len(outcomes(made)) >= alone + 3, 30)
    ticks = list(Tick.objects.filter(schedule=made.name).order_by("nominal"))
    assert [tick.nominal for tick in ticks] == [start + n * SECOND for n in range(len(ticks))]
    assert {tick.outcome for tick in ticks} == {"fired"}
    assert all(tick.at >= tick.nominal for tick in ticks)
    assert outcomes(to_come) == []
    early.wait_for_log("ahead of the database's")
    assert_alert(capsys)


def assert_alert(capsys):
    capsys.readouterr()
    call_command("jobs", "status", "--json")
    told = json.loads(capsys.readouterr().out)
    (ahead,) = [beat for beat in told["beats"] if beat["clock_offset"] > 0]
    assert ahead["alert"]
    assert abs(ahead["clock_offset"] - 3600) < 60
    assert "clock" in {trouble["kind"] for trouble in told["schedules"]}
