"""Sentry's cron monitors hear of each tick, and of nothing else."""

from datetime import timedelta

from tests.app.tasks import FailForGood
from tests.processes import wait_until
from tests.schedules.making import beats_were_down_for, outcomes, schedule


def test_a_tick_is_in_progress_then_ok_or_wrong_and_what_is_missed_is_told_once(sunk, programs, spawn_relay):
    well = schedule("Every minute!", crontab="* * * * *")
    bad = schedule("fails", FailForGood.name, every=timedelta(minutes=2), kwargs={"name": "{tick}"})
    missed = schedule("missed", every=timedelta(hours=1), policy={"missed": "skip"})
    beats_were_down_for(timedelta(minutes=3), well, bad)
    beats_were_down_for(timedelta(hours=2, minutes=30), missed)
    worker = programs.worker("default", env=sunk.environment)
    beat = programs.beat(env=sunk.environment)
    spawn_relay()
    told = {"every-minute": ["in_progress", "ok"], "fails": ["in_progress", "error"]}
    wait_until(lambda: {slug: [c["status"] for c in of_its_job(sunk, slug)[:2]] for slug in told} == told, 30)
    wait_until(lambda: of(sunk, "missed"), 30)
    beat.stop()
    worker.stop()

    late, first, second = of(sunk, "every-minute")[:3]
    assert late["status"] == "error", "the newest fires late, those before it are missed"
    assert late["check_in_id"] != first["check_in_id"]
    assert first["check_in_id"] == second["check_in_id"]
    assert first["monitor_config"]["schedule"] == {"type": "crontab", "value": "* * * * *"}
    assert (first["monitor_config"]["timezone"], first["monitor_config"]["checkin_margin"]) == ("UTC", 2)
    every = of_its_job(sunk, "fails")[0]["monitor_config"]["schedule"]
    assert every == {"type": "interval", "value": 2, "unit": "minute"}
    assert outcomes(missed) == ["missed", "missed"]
    (told_missed,) = of(sunk, "missed")
    assert told_missed["status"] == "error"
    assert told_missed["monitor_config"]["schedule"] == {"type": "interval", "value": 60, "unit": "minute"}


def of(sunk, slug: str) -> list[dict]:
    return [told for told in sunk.sentry("check_in") if told["monitor_slug"] == slug]


def of_its_job(sunk, slug: str) -> list[dict]:
    """Without those that tell of ticks for which there is no job."""
    begun = {told["check_in_id"] for told in of(sunk, slug) if told["status"] == "in_progress"}
    return [told for told in of(sunk, slug) if told["check_in_id"] in begun]
