"""One turn of one schedule: what fires, what does not, and what the ledger says."""

from datetime import UTC, datetime, timedelta

import pytest
from django_celery_beat.models import PeriodicTask

from idempotency.models import Record
from jobs import room
from jobs.schedules.models import Policy, Position, Tick
from tests.processes import wait_until
from tests.records import own_connection
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
    whys,
)

pytestmark = pytest.mark.django_db
DAILY = "0 4 * * *"
HOUR = timedelta(hours=1)


def daily(name="a schedule", task="tests.app.mark_each_time", **options):
    """A daily schedule whose newest tick was six hours ago or a little more: no minute of the day is special."""
    newest = (now() - 6 * HOUR).replace(minute=0, second=0, microsecond=0)
    return schedule(name, task, crontab=f"0 {newest.hour} * * *", **options), newest


def daily_after_an_outage(**policy):
    """Its two last ticks were missed: a beat that was down for 30 hours comes back."""
    made, newest = daily(policy=policy)
    stand_at(newest - timedelta(hours=30), made)
    return made, [newest - timedelta(days=1), newest]


@pytest.mark.parametrize(
    ("missed", "expected"),
    [("latest", ["missed", "fired"]), ("all", ["fired", "fired"]), ("skip", ["missed", "missed"])],
)
def test_a_daily_job_whose_beats_were_down_for_thirty_hours(missed, expected):
    made, ticks = daily_after_an_outage(missed=missed)
    fired = turn(made)
    assert fired == expected.count("fired") == Record.objects.count()
    assert ledger(made) == list(zip(expected, ticks, strict=True))
    assert turn(made) == 0


def test_what_is_older_than_the_catch_up_window_is_missed_under_every_policy():
    made, _ = daily_after_an_outage(missed="all", catch_up=timedelta(minutes=5))
    turn(made)
    assert outcomes(made) == ["missed", "missed"]
    assert "catch-up window" in whys(made)[0]


def test_a_short_restart_is_no_outage():
    made = schedule(every=timedelta(seconds=10), policy={"missed": "skip"})
    adopt()
    beats_were_down_for(timedelta(seconds=45))
    assert turn(made) == 4
    assert outcomes(made) == ["fired"] * 4


def test_many_missed_ticks_are_accounted_for_one_by_one_in_several_turns():
    made = schedule(every=timedelta(seconds=60))
    adopt()
    beats_were_down_for(timedelta(minutes=450))
    fired = [turn(made) for _ in range(4)]
    assert fired[:2] == [0, 0]  # of the first 200 none is the latest
    assert outcomes(made)[:448] == ["missed"] * 448
    assert len(ledger(made)) == 450
    assert sum(fired) == outcomes(made).count("fired") > 0


@pytest.mark.django_db(transaction=True)
def test_a_schedule_whose_turn_somebody_else_has_is_passed():
    made = schedule(every=timedelta(seconds=10))
    beats_were_down_for(timedelta(seconds=15))
    with own_connection() as other, other.transaction():
        other.execute("SELECT FROM jobs_schedules_position WHERE schedule_id = %s FOR UPDATE", (made.pk,))
        assert turn(made) == 0
    assert outcomes(made) == []
    assert turn(made) == 1


def test_a_tick_has_one_job_and_its_key_is_its_own():
    made = schedule(every=timedelta(seconds=10), task="tests.app.Mark", kwargs={"name": "the same every time"})
    adopt()
    beats_were_down_for(timedelta(seconds=25))
    turn(made)
    assert Record.objects.count() == 2
    assert set(Tick.objects.values_list("record_id", flat=True)) == set(Record.objects.values_list("id", flat=True))


def test_a_payload_that_names_the_tick_is_the_same_work_for_whoever_asks():
    from tests.app.tasks import Mark

    made = schedule(crontab=DAILY, zone="Asia/Tokyo", task="tests.app.Mark", kwargs={"name": "{tick:%Y-%m-%d %H:%M}"})
    adopt()
    newest = now().replace(hour=19, minute=0, second=0, microsecond=0)
    newest -= timedelta(days=newest > now())
    day = (newest + 9 * HOUR).strftime("%Y-%m-%d 04:00")
    by_hand = Mark.enqueue(name=day)
    stand_at(newest - HOUR, made)
    turn(made)
    assert Record.objects.get().id == by_hand.id
    assert outcomes(made) == ["skipped"]
    assert f"job {by_hand.id} (queued) did the same work before" in whys(made)[0]


def test_overlap_skip_leaves_out_ticks_while_the_job_before_is_not_done():
    made = schedule(every=timedelta(seconds=10), policy={"overlap": "skip"})
    adopt()
    beats_were_down_for(timedelta(seconds=25))
    turn(made)
    assert outcomes(made) == ["fired", "skipped"]
    end_jobs()
    beats_were_down_for(timedelta(seconds=10))
    turn(made)
    assert outcomes(made) == ["fired", "skipped", "fired"]


def test_overlap_queue_lets_ticks_wait_and_fires_one_after_the_other():
    made = schedule(every=timedelta(seconds=10), policy={"overlap": "queue"})
    adopt()
    beats_were_down_for(timedelta(seconds=35))
    turn(made)
    assert outcomes(made) == ["fired", "waiting", "waiting"]
    for expected in (["fired", "fired", "waiting"], ["fired", "fired", "fired"]):
        assert turn(made) == 0
        end_jobs()
        assert turn(made) == 1
        assert outcomes(made) == expected


def test_a_schedule_pauses_when_its_jobs_are_given_up_one_after_the_other():
    made = schedule(every=timedelta(seconds=10), policy={"pause_after": 2})
    adopt()
    beats_were_down_for(timedelta(seconds=25))
    assert turn(made) == 2
    end_jobs("failed_permanent")
    beats_were_down_for(timedelta(seconds=10.1))
    assert turn(made) == 0
    assert outcomes(made) == ["fired", "fired", "skipped"]
    assert "its last 2 jobs were given up" in whys(made)[-1]
    Position.objects.update(paused_at=None, resumed_at=now())
    beats_were_down_for(timedelta(seconds=10.1))
    assert turn(made) == 1


def test_a_task_that_is_no_idempotent_task_is_skipped_with_the_remedy_and_the_others_go_on():
    plain, newest = daily("plain", "celery.backend_cleanup", kwargs={})
    unknown, _ = daily("unknown", "nobody.knows")
    good, _ = daily("good")
    for made in (plain, unknown, good):
        stand_at(newest - timedelta(days=1, seconds=1), made)
        turn(made)
    assert "Subclass IdempotentTask" in whys(plain)[-1]
    assert "no task 'nobody.knows' is registered" in whys(unknown)[-1]
    assert outcomes(good)[-1] == "fired"


def test_a_tick_of_a_task_that_this_release_does_not_know_waits_for_a_newer_beat():
    made = schedule(task="tomorrows.Task", every=timedelta(seconds=10))
    adopt()
    beats_were_down_for(timedelta(seconds=15))
    turn(made)
    assert outcomes(made) == []
    PeriodicTask.objects.update(task="tests.app.mark_each_time")
    wait_until(lambda: turn(made) == 1)  # after a second, the beats' rest


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"kwargs": {"nobody": 1}}, "missing a required argument: 'name'"),
        ({"args": "no JSON", "kwargs": {}}, "its args are no JSON array"),
        ({"headers": '{"a": 1}'}, "headers mean nothing"),
        ({"exchange": "direct"}, "exchange and routing key mean nothing"),
        ({"queue": "nowhere"}, "is not in JOBS_QUEUES"),
        ({"priority": 200}, "from -100 to 100"),
    ],
)
def test_a_schedule_that_cannot_be_asked_for_says_why_in_the_ledger(options, why):
    made = schedule(every=timedelta(seconds=10), **options)
    adopt()
    beats_were_down_for(timedelta(seconds=15))
    assert turn(made) == 0
    assert outcomes(made) == ["skipped"]
    assert why in whys(made)[0]


def test_a_secret_parameter_is_not_in_the_ledger():
    made = schedule(task="tests.app.Confide", every=timedelta(seconds=10), kwargs={"secret": "{tick:%Y} hunter2 "})
    adopt()
    beats_were_down_for(timedelta(seconds=15))
    turn(made)
    assert outcomes(made) == ["skipped"]
    assert "is ********: empty or with outer blanks" in whys(made)[0].replace("'", "")


def test_a_tick_that_finds_its_queue_full_waits_for_room(settings):
    settings.JOBS_QUEUES = {"default": {}, "narrow": {"bound": 2}}
    room.forget()
    made = schedule(every=timedelta(seconds=10), queue="narrow")
    adopt()
    beats_were_down_for(timedelta(seconds=45))
    turn(made)
    assert outcomes(made) == ["fired", "fired", "waiting", "waiting"]
    assert "Queue narrow holds 2 of at most 2 jobs" in whys(made)[-1]
    end_jobs()
    room.forget()
    assert turn(made) == 2
    assert outcomes(made) == ["fired"] * 4


def test_an_edit_counts_from_when_a_beat_sees_it_and_what_was_owed_before_is_paid():
    made = schedule(every=timedelta(seconds=10))
    adopt()
    beats_were_down_for(timedelta(seconds=15))
    made.interval = schedule("other", every=timedelta(seconds=40)).interval
    made.save()
    adopt()
    assert turn(made) == 1
    adopt()
    position = Position.objects.get(schedule=made)
    assert position.timing["interval"] == [40, "seconds"]
    assert timedelta(seconds=35) < position.next_due_at - now() <= timedelta(seconds=40)


def test_a_disabled_schedule_owes_nothing_and_begins_anew():
    made = schedule(every=timedelta(seconds=10))
    adopt()
    PeriodicTask.objects.filter(pk=made.pk).update(enabled=False)
    adopt()
    beats_were_down_for(timedelta(hours=1))
    assert turn(made) == 0
    PeriodicTask.objects.filter(pk=made.pk).update(enabled=True)
    adopt()
    assert turn(made) == 0
    assert outcomes(made) == []


def test_one_moment_fires_once_also_when_it_passed_before_a_beat_came():
    made = schedule(clocked=now() - timedelta(minutes=10))
    adopt()
    assert turn(made) == 1
    made.refresh_from_db()
    assert not made.enabled
    assert made.total_run_count == 1
    PeriodicTask.objects.filter(pk=made.pk).update(enabled=True)
    adopt()
    adopt()
    assert turn(made) == 0
    assert outcomes(made) == ["fired"]


def test_times_that_cannot_be_read_stop_their_schedule_alone_and_say_so():
    made = schedule(crontab="0 4 * * *")
    made.crontab.__class__.objects.update(hour="25")
    adopt()
    assert "crontab cannot be read" in Position.objects.get(schedule=made).problem
    made.crontab.__class__.objects.update(hour="5")
    adopt()
    position = Position.objects.get(schedule=made)
    assert position.problem is None
    assert position.next_due_at.astimezone(UTC).hour == 5


def test_a_start_and_an_end_bound_the_ticks():
    start = now().replace(microsecond=0) - timedelta(seconds=40)
    made = schedule(every=timedelta(seconds=10), start_time=start, expires=start + timedelta(seconds=25))
    adopt()
    stand_at(start - HOUR, made)
    turn(made)
    assert [nominal - start for _, nominal in ledger(made)] == [timedelta(seconds=s) for s in (0, 10, 20)]
    assert Position.objects.get(schedule=made).next_due_at is None


def test_an_edit_of_the_policy_alone_moves_nothing():
    made = schedule(crontab=DAILY)
    adopt()
    before = Position.objects.get(schedule=made).accounted_until
    Policy.objects.create(schedule=made, missed="all")
    adopt()
    assert Position.objects.get(schedule=made).accounted_until == before
    assert datetime.now(UTC) > before
