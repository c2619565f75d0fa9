"""Replay from the admin: only with its own permission, only what the person saw, and once."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.ids import new_id
from idempotency.models import Record
from jobs import replaying
from tests.app.tasks import Echo, Mark, MarkAlone
from tests.records import OOPS, claim

pytestmark = pytest.mark.django_db
LIST = "/admin/idempotency/record/"


def operator(client, *permissions: str):
    user = get_user_model().objects.create_user("operator", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client):
    return operator(client, "view_record")


@pytest.fixture
def replayer(client):
    return operator(client, "view_record", "replay_record")


def given_up(task=Mark, name="one") -> Record:
    job = task.enqueue(name=name)
    claimed = next(c for c in claim(connection) if c.id == job.id)
    transitions.dead_letter(connection, claimed, reason="poison", problem=OOPS)
    return Record.objects.get(id=job.id)


def seen(*records: Record) -> dict[str, list[str]]:
    return {"seen": [f"{record.id}:{record.fencing_token}" for record in records]}


def select(client, *records: Record, follow=True):
    posted = {"action": "replay_selected", "_selected_action": [str(record.id) for record in records]}
    return client.post(LIST, posted, follow=follow)


def confirm(client, posted):
    return client.post(reverse("admin:idempotency_record_replay"), posted, follow=True)


def test_someone_who_may_only_look_cannot_post_the_action_nor_the_confirmation(client, viewer):
    record = given_up()
    assert client.get(LIST).status_code == 200
    assert "replay_selected" not in client.get(LIST).content.decode()
    assert select(client, record).status_code == 403
    assert confirm(client, seen(record)).status_code == 403
    assert Record.objects.values().get() == Record.objects.filter(id=record.id).values().get()
    assert Record.objects.get().state == "dead_lettered"
    assert not LogEntry.objects.exists()


def test_someone_with_the_permission_replays_what_the_page_showed(client, replayer):
    record = given_up()
    page = select(client, record).content.decode()
    assert Record.objects.get().state == "dead_lettered", "nothing happens before it is confirmed"
    for shown in (record.task, str(record.id), "dead_lettered", "poison", "oops"):
        assert shown in page
    posted = {"seen": re.findall(r'name="seen" value="([^"]+)"', page)}
    assert posted == seen(record)
    assert "1 job replayed." in confirm(client, posted).content.decode()
    replayed = Record.objects.get()
    assert (replayed.state, replayed.attempt, replayed.replay_count) == ("queued", 0, 1)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (replayer, str(record.id))
    assert "dead_lettered (poison)" in entry.get_change_message()


def test_a_second_click_replays_nothing(client, replayer):
    record = given_up()
    confirm(client, seen(record))
    again = confirm(client, seen(record)).content.decode()
    assert "it has changed since the page was shown" in again
    assert (Record.objects.get().replay_count, LogEntry.objects.count()) == (1, 1)


def test_each_record_gets_its_own_answer(client, replayer):
    changed, fine = given_up(name="changed"), given_up(name="fine")
    gone = Record(id=new_id(), fencing_token=1)
    posted = seen(changed, gone, fine)
    transitions.replay(connection, [Seen(changed.id, changed.fencing_token)])
    page = confirm(client, posted).content.decode()
    assert f"job {changed.id}: it has changed since the page was shown" in page
    assert f"job {gone.id}: it is gone" in page
    assert "1 job replayed." in page
    assert Record.objects.get(id=fine.id).replay_count == 1


def test_a_job_whose_key_a_newer_one_holds_stays_given_up(client, replayer):
    old = given_up()
    Record.objects.filter(id=old.id).update(key=None, freed_key=old.key)
    Mark.enqueue(name="one")
    assert "a newer job holds its key" in confirm(client, seen(old)).content.decode()
    assert Record.objects.get(id=old.id).state == "dead_lettered"


def test_a_replay_sends_a_hint_when_it_is_committed(transactional_db, client, replayer, monkeypatch):
    record = given_up()
    nudged = []
    monkeypatch.setattr("jobs.hints.nudge", nudged.append)
    confirm(client, seen(record))
    assert nudged == [record.queue]


def test_jobs_that_were_not_given_up_are_left_out_and_said_to_be(client, replayer):
    record = given_up()
    waiting = Record.objects.get(id=Echo.enqueue(value=1).id)
    page = select(client, record, waiting).content.decode()
    assert "1 selected job left out" in page
    assert str(waiting.id) not in page
    assert "Nothing to replay" in select(client, waiting).content.decode()


def test_more_than_a_person_can_read_are_refused_with_the_bound(client, replayer, monkeypatch):
    monkeypatch.setattr(replaying, "MOST", 2)
    records = [given_up(name=str(number)) for number in range(3)]
    assert "At most 2 jobs can be replayed at a time" in select(client, *records).content.decode()
    assert confirm(client, seen(*records)).status_code == 400
    assert not Record.objects.filter(state="queued").exists()


def test_the_page_says_where_an_outside_effect_may_have_happened(client, replayer):
    intended = given_up(MarkAlone)
    assert replaying.effect_of(intended) is replaying.Effect.NONE, "it never came as far as its effect"
    Record.objects.filter(id=intended.id).update(intent_at=intended.created_at)
    page = select(client, intended).content.decode()
    assert replaying.Effect.MAYBE in page
    assert "Look at the other side first." in page
    assert replaying.effect_of(Record(task="nobody.knows", reason="poison")) is replaying.Effect.UNKNOWN


@pytest.mark.parametrize("forged", ["", "nonsense", "nonsense:1", "0198c0de-0000-7000-8000-000000000000:x"])
def test_a_forged_confirmation_is_a_bad_request(client, replayer, forged):
    assert confirm(client, {"seen": [forged]}).status_code == 400


def test_only_a_post_with_its_token_replays(replayer, client):
    from django.test import Client

    assert client.get(reverse("admin:idempotency_record_replay")).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(replayer)
    record = given_up()
    assert confirm(strict, seen(record)).status_code == 403
    assert Record.objects.get().state == "dead_lettered"
