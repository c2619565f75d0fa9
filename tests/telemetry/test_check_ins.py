"""Sentry's cron monitors hear of each tick, and of nothing else."""

from datetime import timedelta

from tests.app.tasks import FailForGood
from tests.processes import wait_until
from tests.schedules.making import beats_were_down_for, outcomes, schedule


def test_a_tick_is_in_progress_then_ok_or_wrong_and_one_that_fires_nothing_is_left_to_be_missed(
    sunk, programs, spawn_relay
):
    well = schedule("Every minute!", crontab="* * * * *")
    bad = schedule("fails", FailForGood.name, every=timedelta(minutes=2), kwargs={"name": "{tick}"})
    missed = schedule("missed", every=timedelta(hours=1), policy={"missed": "skip"})
    beats_were_down_for(timedelta(minutes=3), well, bad)
    beats_were_down_for(timedelta(hours=2, minutes=30), missed)
    worker = programs.worker("default", env=sunk.environment)
    beat = programs.beat(env=sunk.environment)
    spawn_relay()
    told = {"every-minute": ["in_progress", "ok"], "fails": ["in_progress", "error"]}
    wait_until(lambda: {slug: statuses(sunk, slug)[:2] for slug in told} == told, 30)
    beat.stop()
    worker.stop()

    first, second = of(sunk, "every-minute")[:2]
    assert first["check_in_id"] == second["check_in_id"]
    assert first["monitor_config"]["schedule"] == {"type": "crontab", "value": "* * * * *"}
    assert (first["monitor_config"]["timezone"], first["monitor_config"]["checkin_margin"]) == ("UTC", 2)
    every = of(sunk, "fails")[0]["monitor_config"]["schedule"]
    assert every == {"type": "interval", "value": 2, "unit": "minute"}
    assert outcomes(missed) == ["missed", "missed"]
    assert not of(sunk, "missed")


def of(sunk, slug: str) -> list[dict]:
    return [told for told in sunk.sentry("check_in") if told["monitor_slug"] == slug]


def statuses(sunk, slug: str) -> list[str]:
    return [told["status"] for told in of(sunk, slug)]
