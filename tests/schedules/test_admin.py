"""Schedules in Django admin: django-celery-beat's pages, with policies, and with a permission for each action."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from idempotency.models import Record
from jobs.models import Decision
from jobs.schedules.models import Position, Tick
from tests.schedules.making import beats_were_down_for, now, outcomes, schedule, turn

pytestmark = pytest.mark.django_db
LIST = "/admin/django_celery_beat/periodictask/"
LEDGER = "/admin/jobs_schedules/tick/"
SEE = ("view_periodictask", "view_tick")


@pytest.fixture
def log_in(client):
    """`log_in("view_tick", …)`: a member of staff with these permissions."""

    def log_in(*permissions):
        user = User.objects.create_user("ann", password="x", is_staff=True)
        found = Permission.objects.filter(codename__in=permissions)
        assert len(found) == len(permissions)
        user.user_permissions.set(found)
        client.force_login(user)
        return client

    return log_in


def hourly_after_an_outage():
    made = schedule("hourly report", every=timedelta(hours=1))
    beats_were_down_for(timedelta(hours=4.5))
    turn(made)
    return made


def range_of(made):
    def local(moment):
        return f"{moment:%Y-%m-%dT%H:%M}"

    ticks = Tick.objects.filter(schedule=made.name).order_by("nominal")
    start, end = ticks.first().nominal - timedelta(minutes=2), ticks.last().nominal + timedelta(minutes=1)
    return {"start": local(start), "end": local(end), "why": "ticket 12"}


def test_a_schedule_is_edited_with_its_policy(admin_client):
    made = schedule(every=timedelta(hours=1), policy={"missed": "all"})
    address = reverse("admin:django_celery_beat_periodictask_change", args=[made.pk])
    page = admin_client.get(address)
    assert b"fire all of them" in page.content
    form = page.context["adminform"].form
    posted = {name: value for name, value in form.initial.items() if value is not None}
    posted |= {"regtask": made.task, "policy-TOTAL_FORMS": 1, "policy-INITIAL_FORMS": 1, "policy-0-schedule": made.pk,
               "policy-0-missed": "skip", "policy-0-catch_up": "3600", "policy-0-overlap": "queue",
               "policy-0-clocks_forward": "auto", "policy-0-clocks_back": "both"}  # fmt: skip
    answer = admin_client.post(address, posted)
    assert answer.status_code == 302, answer.context["errors"]
    made.policy.refresh_from_db()
    assert (made.policy.missed, made.policy.overlap, made.policy.catch_up) == ("skip", "queue", timedelta(hours=1))


def test_who_may_look_may_not_act(log_in):
    made = hourly_after_an_outage()
    client = log_in(*SEE)
    assert client.get(LIST).status_code == client.get(LEDGER).status_code == 200
    for action in ("enable_tasks", "disable_tasks", "toggle_tasks", "run_tasks"):
        client.post(LIST, {"action": action, "_selected_action": [made.pk]})
    for name in ("backfill", "resume"):
        address = reverse(f"admin:jobs_schedules_{name}", args=[made.pk])
        assert client.get(address).status_code == 403
        assert client.post(address, range_of(made) | {"confirmed": 1}).status_code == 403
    made.refresh_from_db()
    assert made.enabled
    assert Record.objects.count() == 1
    assert b"view_tick" not in client.get(LEDGER).content


def test_who_may_not_see_ticks_does_not(log_in):
    assert log_in("view_periodictask").get(LEDGER).status_code == 403


def test_nobody_runs_a_task_from_the_list_without_a_trace(admin_client):
    made = schedule(every=timedelta(hours=1))
    admin_client.post(LIST, {"action": "run_tasks", "_selected_action": [made.pk]})
    assert not Record.objects.exists()
    admin_client.post(LIST, {"action": "disable_tasks", "_selected_action": [made.pk]})
    assert not PeriodicTask.objects.get().enabled


def test_a_backfill_is_shown_confirmed_and_kept_with_its_reason(log_in):
    made = hourly_after_an_outage()
    client = log_in(*SEE, "backfill_schedule")
    address = reverse("admin:jobs_schedules_backfill", args=[made.pk])
    page = client.post(address, range_of(made))
    assert b"4 ticks in this range" in page.content
    assert Record.objects.count() == 1
    answer = client.post(address, range_of(made) | {"confirmed": 1}, follow=True)
    assert b"3 of 4 ticks were backfilled." in answer.content
    assert outcomes(made) == ["backfilled"] * 3 + ["fired"]
    decision = Decision.objects.get(action="backfill")
    assert (decision.by, decision.why) == ("ann", "ticket 12")
    client.post(address, range_of(made) | {"confirmed": 1})
    assert Record.objects.count() == 4


def test_a_backfill_without_a_reason_or_of_the_future_does_nothing(log_in):
    made = hourly_after_an_outage()
    client = log_in("backfill_schedule")
    address = reverse("admin:jobs_schedules_backfill", args=[made.pk])
    assert b"Say why" in client.post(address, range_of(made) | {"why": "", "confirmed": 1}).content
    late = f"{now() + timedelta(days=1):%Y-%m-%dT%H:%M}"
    assert b"which is not over" in client.post(address, range_of(made) | {"end": late, "confirmed": 1}).content
    assert Record.objects.count() == 1


def test_a_paused_schedule_is_resumed(log_in):
    made = schedule(every=timedelta(hours=1))
    Position.objects.update(paused_at=now(), paused_why="its last 3 jobs were given up")
    client = log_in("view_periodictask", "resume_schedule")
    assert b"paused: its last 3 jobs" in client.get(LIST).content
    address = reverse("admin:jobs_schedules_resume", args=[made.pk])
    assert b"its last 3 jobs were given up" in client.get(address).content
    assert b"ticks again" in client.post(address, {"why": "mended"}, follow=True).content
    assert Position.objects.get().paused_at is None


def test_the_ledger_links_to_the_jobs_and_shows_texts_as_texts(admin_client):
    made = schedule("<b>bold</b>", "<i>nobody</i>", every=timedelta(minutes=5))
    beats_were_down_for(timedelta(minutes=6))
    turn(made)
    fired = hourly_after_an_outage()
    page = admin_client.get(LEDGER).content.decode()
    assert "<b>bold" not in page
    assert "<i>nobody" not in page
    record = Tick.objects.get(schedule=fired.name, outcome="fired").record_id
    assert reverse("admin:idempotency_record_change", args=[record]) in page
    assert admin_client.get(LEDGER, {"schedule": fired.name}).context["cl"].result_count == 4
    assert admin_client.get("/admin/jobs_schedules/beat/").status_code == 200
