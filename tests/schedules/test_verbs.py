"""`manage.py jobs schedules`, `sync-schedules`, `backfill`, `resume-schedule`, and what `status` says of beats."""

import json
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django_celery_beat.models import CrontabSchedule, PeriodicTask

from idempotency.models import Record
from jobs.models import Decision
from jobs.schedules import Schedule, reads
from jobs.schedules import declared as declaring
from jobs.schedules.models import Beat, Policy, Position, Tick
from jobs.schedules.statements import run
from tests.app.tasks import Confide, mark_each_time
from tests.schedules.making import (
    adopt,
    beats_were_down_for,
    end_jobs,
    ledger,
    now,
    outcomes,
    schedule,
    stand_at,
    turn,
)

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def jobs(capsys):
    def call(*arguments, as_json=True):
        capsys.readouterr()
        call_command("jobs", *arguments, *(["--json"] if as_json else []))
        printed = capsys.readouterr().out
        return json.loads(printed) if as_json else printed

    return call


@pytest.fixture
def code(monkeypatch):
    """What is declared in code: nothing, but what the test declares."""
    monkeypatch.setattr(declaring, "declared", {})

    def declare(name="nightly", task=mark_each_time, **options):
        declaring.declared.pop(name, None)
        return Schedule(name, task, **({"crontab": "0 3 * * *", "kwargs": {"name": "n"}} | options))

    return declare


def kinds(told):
    return {change["name"]: change["kind"] for change in told["changes"]}


def test_what_is_declared_in_code_comes_to_the_tables_once(jobs, code):
    code(zone="Europe/London", overlap="skip", pause_after=3)
    code("hourly", crontab=None, every=timedelta(hours=1))
    code("once", crontab=None, at=datetime(2030, 1, 1, tzinfo=UTC))
    code("at dusk", crontab=None, solar=("sunset", 52.5, 13.4))
    assert kinds(jobs("sync-schedules", "--dry-run")) == dict.fromkeys(
        ("nightly", "hourly", "once", "at dusk"), "created"
    )
    assert not PeriodicTask.objects.exists()
    jobs("sync-schedules")
    assert set(kinds(jobs("sync-schedules")).values()) == {"unchanged"}
    assert PeriodicTask.objects.count() == Position.objects.filter(next_due_at__gt=now()).count() == 4
    made = PeriodicTask.objects.get(name="nightly")
    assert (str(made.crontab.timezone), made.policy.overlap, made.policy.pause_after) == ("Europe/London", "skip", 3)


def test_a_change_in_code_changes_the_table_and_the_difference_is_shown(jobs, code):
    code()
    jobs("sync-schedules")
    code(crontab="30 4 * * *", missed="all")
    (change,) = jobs("sync-schedules", "--dry-run")["changes"]
    assert change["fields"] == {"crontab": ["0 3 * * *", "30 4 * * *"], "missed": ["latest", "all"]}
    assert "crontab: '0 3 * * *' → '30 4 * * *'" in jobs("sync-schedules", as_json=False)
    made = PeriodicTask.objects.get()
    assert (made.crontab.hour, made.policy.missed) == ("4", "all")


def test_what_a_person_edited_stays_until_it_is_forced(jobs, code):
    code()
    jobs("sync-schedules")
    PeriodicTask.objects.update(enabled=False)
    Policy.objects.update(missed="skip")
    code(overlap="queue")
    (change,) = jobs("sync-schedules")["changes"]
    assert change["kind"] == "updated"
    assert change["fields"] == {"overlap": ["allow", "queue"]}
    assert change["kept"] == {"enabled": [False, True], "missed": ["skip", "latest"]}
    assert kinds(jobs("sync-schedules")) == {"nightly": "edited"}
    assert not PeriodicTask.objects.get().enabled
    assert kinds(jobs("sync-schedules", "--force")) == {"nightly": "updated"}
    assert PeriodicTask.objects.get().enabled
    assert PeriodicTask.objects.get().policy.missed == "latest"


def test_a_schedule_that_somebody_made_by_hand_is_not_taken_over_silently(jobs, code):
    schedule("nightly", crontab="0 5 * * *", kwargs={"name": "n"})
    code()
    assert kinds(jobs("sync-schedules")) == {"nightly": "edited"}
    assert PeriodicTask.objects.get().crontab.hour == "5"


def test_what_is_declared_no_more_is_disabled_and_not_deleted(jobs, code):
    code()
    jobs("sync-schedules")
    declaring.declared.clear()
    assert kinds(jobs("sync-schedules", "--dry-run")) == {"nightly": "removed"}
    jobs("sync-schedules")
    assert not PeriodicTask.objects.get().enabled
    assert kinds(jobs("sync-schedules")) == {}


def test_a_difference_shows_no_secret(jobs, code):
    code(task=Confide, kwargs={"secret": "hunter2"})
    jobs("sync-schedules")
    code(task=Confide, kwargs={"secret": "hunter3"})
    assert "hunter" not in jobs("sync-schedules", "--dry-run", as_json=False)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"crontab": None}, "0 kinds of times"),
        ({"every": DAY}, "2 kinds of times"),
        ({"crontab": "0 3 * *"}, "must have five fields"),
        ({"crontab": "0 25 * * *"}, "crontab cannot be read"),
        ({"zone": "Mars/Base"}, "Mars/Base"),
        ({"missed": "never"}, "must be one of latest, all, skip"),
        ({"crontab": None, "every": timedelta(milliseconds=1500)}, "whole seconds"),
        ({"crontab": None, "at": datetime(2030, 1, 1)}, "without a time zone"),  # noqa: DTZ001 - that is the mistake
    ],
)
def test_a_declaration_that_cannot_be_a_schedule_says_so_at_once(code, options, said):
    with pytest.raises(ImproperlyConfigured, match=said):
        code(**options)


def test_a_name_is_declared_once(code):
    code()
    with pytest.raises(ImproperlyConfigured, match="declared twice"):
        Schedule("nightly", mark_each_time, every=DAY)


# -- what is to come --------------------------------------------------------------------------------------------------


def test_schedules_shows_what_comes_next_and_marks_days_on_which_clocks_change(jobs):
    schedule("every day", crontab="0 12 * * *", zone="Europe/Berlin")
    told = jobs("schedules", "--next", "400")
    moments = told["schedules"][0]["next"]
    marked = [m for m in moments if m["clocks"]]
    assert len(moments) == 400
    assert {m["clocks"] for m in marked} == {"+1 h", "-1 h"}
    assert {datetime.fromisoformat(m["at"]).weekday() for m in marked} == {6}
    assert "clocks +1 h on this day" in jobs("schedules", "--next", "400", as_json=False)
    elsewhere = jobs("schedules", "--next", "1", "--zone", "Asia/Tokyo")["schedules"][0]["next"][0]
    assert elsewhere["at"].endswith("+09:00")
    assert datetime.fromisoformat(elsewhere["at"]) == datetime.fromisoformat(moments[0]["at"])


def test_schedules_shows_the_weeks_load_as_text_and_as_a_picture(jobs, tmp_path):
    schedule("every day", crontab="0 12 * * *")
    schedule("often", every=timedelta(seconds=10))
    week = jobs("schedules", "--zone", "UTC", "--svg", str(tmp_path / "week.svg"))["load"]
    assert len(week) == 7
    assert [len(day) for day in week.values()] == [24] * 7
    tomorrow = list(week.values())[1]
    assert (tomorrow[11], tomorrow[12]) == (360, 361)
    picture = ET.parse(tmp_path / "week.svg").getroot()
    assert len(picture.findall(".//{http://www.w3.org/2000/svg}rect")) == 7 * 24 + 1
    assert "Ticks in each hour, UTC; the most in one: 361" in jobs("schedules", "--zone", "UTC", as_json=False)


def test_schedules_tells_of_those_that_cannot_be_read_or_are_paused(jobs):
    schedule("wrong", crontab="0 4 * * *")
    CrontabSchedule.objects.update(hour="25")
    paused = schedule("paused", every=DAY)
    adopt()
    Position.objects.filter(schedule=paused).update(paused_at=now(), paused_why="its last 3 jobs were given up")
    text = jobs("schedules", as_json=False)
    assert "does not tick: its crontab cannot be read" in text
    assert "paused: its last 3 jobs were given up" in text


# -- backfill and resume ----------------------------------------------------------------------------------------------


def test_a_backfill_fires_what_was_missed_and_leaves_what_fired(jobs):
    made = schedule(every=timedelta(hours=1), policy={"missed": "latest"})
    adopt()
    beats_were_down_for(timedelta(hours=5.5))
    turn(made)
    assert outcomes(made) == ["missed"] * 4 + ["fired"]
    ticks = [nominal for _, nominal in ledger(made)]
    asked = (
        "backfill",
        made.name,
        "--from",
        ticks[0].isoformat(),
        "--to",
        ticks[-1].isoformat(),
        "--reason",
        "ticket 12",
    )
    assert jobs(*asked, "--dry-run")["counts"] == {"backfilled": 4, "fired": 1}
    assert Record.objects.count() == 1
    assert jobs(*asked)["counts"] == {"backfilled": 4, "fired": 1}
    assert outcomes(made) == ["backfilled"] * 4 + ["fired"]
    assert Record.objects.count() == 5
    assert jobs(*asked)["counts"] == {"backfilled": 4, "fired": 1}
    assert Record.objects.count() == 5
    decision = Decision.objects.filter(action="backfill").first()
    assert decision.why == "ticket 12"
    assert decision.after["ticks"] == 4


def test_a_backfill_may_reach_back_before_the_schedule_and_no_beat_fires_it_again(jobs):
    made = schedule(crontab="0 4 * * *")
    adopt()
    end = now()
    asked = ("backfill", made.name, "--from", (end - 3 * DAY).isoformat(), "--to", end.isoformat(), "--reason", "r")
    assert jobs(*asked)["counts"] == {"backfilled": 3}
    stand_at(end - 4 * DAY, made)
    assert turn(made) == 0
    assert outcomes(made).count("backfilled") == 3


def test_a_backfill_of_the_future_of_too_much_or_of_nothing_is_refused(jobs):
    made = schedule(every=timedelta(seconds=1))
    adopt()
    moment = now().isoformat()
    with pytest.raises(CommandError, match="which is not over"):
        jobs("backfill", made.name, "--from", moment, "--to", (now() + DAY).isoformat(), "--reason", "r")
    beats_were_down_for(DAY)
    with pytest.raises(CommandError, match="more than 1,000 ticks"):
        jobs("backfill", made.name, "--from", (now() - DAY).isoformat(), "--to", moment, "--reason", "r")
    with pytest.raises(CommandError, match="there is no schedule 'nobody'"):
        jobs("backfill", "nobody", "--from", moment, "--to", moment, "--reason", "r")


def test_a_paused_schedule_is_resumed_with_a_reason(jobs):
    made = schedule(every=timedelta(seconds=10), policy={"pause_after": 1})
    adopt()
    beats_were_down_for(timedelta(seconds=15))
    turn(made)
    end_jobs("dead_lettered")
    beats_were_down_for(timedelta(seconds=10.1))
    turn(made)
    assert [t["kind"] for t in jobs("status")["schedules"]] == ["no_beat", "paused"]
    assert jobs("resume-schedule", made.name, "--reason", "mended") == {"schedule": made.name, "resumed": True}
    assert Decision.objects.get(action="resume").before["paused_why"] == "its last 1 jobs were given up"
    assert jobs("resume-schedule", made.name, "--reason", "again")["resumed"] is False


# -- status -----------------------------------------------------------------------------------------------------------


def report(name="beat@here:1", offset=0.0):
    run("report", name=name, fired=0, clock_offset=offset)


def test_status_tells_when_no_beat_is_alive_and_when_a_schedule_is_late(jobs):
    made = schedule(every=timedelta(hours=1))
    assert [t["kind"] for t in jobs("status")["schedules"]] == ["no_beat"]
    report()
    assert jobs("status")["schedules"] == []
    beats_were_down_for(timedelta(hours=2), made)
    (late,) = jobs("status")["schedules"]
    assert (late["kind"], late["about"], late["alert"]) == ("late", made.name, True)
    Beat.objects.update(seen_at=now() - timedelta(minutes=1))
    assert {t["kind"] for t in jobs("status")["schedules"]} == {"no_beat", "late"}
    assert "No beat is alive" in jobs("status", as_json=False)


def test_a_beat_whose_clock_is_wrong_raises_an_alert(jobs):
    report(offset=3600.2)
    told = jobs("status")
    assert told["beats"] == [{"beat": "beat@here:1", "fired": 0, "clock_offset": 3600.2, "alert": True}]
    assert "1:00:00 ahead of the database's" in told["schedules"][0]["sentence"]


def test_metrics_can_be_read_on_any_connection():
    assert reads.last_tick(connection) is None
    report()
    made = schedule(every=timedelta(hours=1))
    assert abs(reads.last_tick(connection) - now()) < timedelta(minutes=1)
    assert reads.next_due(connection) == {made.name: Position.objects.get().next_due_at}


def test_the_ledger_takes_a_tick_once_and_a_fired_one_with_its_job():
    from django.db import IntegrityError, transaction

    at = now()
    row = {"schedule": "s", "nominal": at, "task": "t", "beat": "b", "at": at}
    Tick.objects.create(outcome="missed", **row)
    for wrong in ({"outcome": "missed"}, {"outcome": "fired", "schedule": "other"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Tick.objects.create(**(row | wrong))
