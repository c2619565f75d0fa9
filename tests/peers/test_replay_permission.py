"""Replay from the admin: only with its own permission, only what the person saw, and once."""

import pytest
from django.db import connection
from django.urls import reverse

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.models import Record
from idempotency.states import Reason
from jobs.admin import selection
from jobs.models import Decision
from tests.app.tasks import Echo, Mark, MarkAlone
from tests.review import given_up, person, token_in

pytestmark = pytest.mark.django_db
LIST = "/admin/idempotency/record/"


def operator(client, *permissions: str):
    user = person(*permissions)
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client):
    return operator(client, "view_record")


@pytest.fixture
def replayer(client):
    return operator(client, "view_record", "replay_record")


def dead(name="one", task=Mark) -> Record:
    return given_up(task, name=name)


def shown(client, *records: Record) -> dict[str, str]:
    """What the confirmation page of these records posts."""
    return {"token": token_in(select(client, *records).content.decode()), "why": "the vendor is back"}


def select(client, *records: Record, follow=True):
    posted = {"action": "replay_selected", "_selected_action": [str(record.id) for record in records]}
    return client.post(LIST, posted, follow=follow)


def confirm(client, posted):
    return client.post(reverse("admin:idempotency_record_replay"), posted, follow=True)


def test_someone_who_may_only_look_cannot_post_the_action_nor_the_confirmation(client, viewer):
    record = dead()
    assert client.get(LIST).status_code == 200
    assert "replay_selected" not in client.get(LIST).content.decode()
    assert select(client, record).status_code == 403
    assert confirm(client, {"token": "forged", "why": "let me"}).status_code == 403
    assert Record.objects.values().get() == Record.objects.filter(id=record.id).values().get()
    assert Record.objects.get().state == "dead_lettered"
    assert not Decision.objects.exists()


def test_someone_with_the_permission_replays_what_the_page_showed(client, replayer):
    record = dead()
    page = select(client, record).content.decode()
    assert Record.objects.get().state == "dead_lettered", "nothing happens before it is confirmed"
    for text in (record.task, str(record.id), "dead_lettered", "poison", "oops"):
        assert text in page
    posted = {"token": token_in(page), "why": "the vendor is back"}
    assert "1 job replayed." in confirm(client, posted).content.decode()
    replayed = Record.objects.get()
    assert (replayed.state, replayed.attempt, replayed.replay_count) == ("queued", 0, 1)
    decision = Decision.objects.get()
    assert (decision.by, decision.record_id, decision.why) == ("operator", record.id, "the vendor is back")
    assert (decision.before["state"], decision.before["reason"]) == ("dead_lettered", "poison")


def test_without_a_reason_nothing_is_replayed_and_the_page_asks_again(client, replayer):
    record = dead()
    page = confirm(client, shown(client, record) | {"why": " "}).content.decode()
    assert "the audit trail needs a reason" in page
    assert Record.objects.get().state == "dead_lettered"
    assert "1 job replayed." in confirm(client, {"token": token_in(page), "why": "now"}).content.decode()


def test_a_second_click_replays_nothing_and_says_who_was_first(client, replayer):
    record = dead()
    posted = shown(client, record)
    confirm(client, posted)
    again = confirm(client, posted).content.decode()
    assert f"job {record.id}: operator decided first (replay" in again
    assert (Record.objects.get().replay_count, Decision.objects.count()) == (1, 1)


def test_each_record_gets_its_own_answer(client, replayer):
    changed, gone, fine = dead("changed"), dead("gone"), dead("fine")
    posted = shown(client, changed, gone, fine)
    transitions.replay(connection, [Seen(changed.id, changed.fencing_token)])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no trigger keeps it from being lost
        cursor.execute("DELETE FROM idempotency_record WHERE id = %s", [gone.id])
        cursor.execute("SET LOCAL session_replication_role = DEFAULT")
    page = confirm(client, posted).content.decode()
    assert f"job {changed.id}: it is queued now" in page
    assert f"job {gone.id}: it is gone" in page
    assert "1 job replayed." in page
    assert Record.objects.get(id=fine.id).replay_count == 1


def test_a_job_whose_key_a_newer_one_holds_stays_given_up(client, replayer):
    old = dead()
    posted = shown(client, old)
    Record.objects.filter(id=old.id).update(key=None, freed_key=old.key)
    Mark.enqueue(name="one")
    assert "a newer job holds its key" in confirm(client, posted).content.decode()
    assert Record.objects.get(id=old.id).state == "dead_lettered"


def test_a_replay_sends_a_hint_when_it_is_committed(transactional_db, client, replayer, monkeypatch):
    record = dead()
    posted = shown(client, record)
    nudged = []
    monkeypatch.setattr("jobs.hints.nudge", nudged.append)
    confirm(client, posted)
    assert nudged == [record.queue]


def test_jobs_that_were_not_given_up_are_left_out_and_said_to_be(client, replayer):
    record = dead()
    waiting = Record.objects.get(id=Echo.enqueue(value=1).id)
    page = select(client, record, waiting).content.decode()
    assert "1 selected job left out" in page
    assert str(waiting.id) not in page
    assert "Nothing to replay" in select(client, waiting).content.decode()


def test_more_than_a_person_can_read_are_refused_with_the_bound(client, replayer, monkeypatch):
    monkeypatch.setattr(selection, "MOST", 2)
    records = [dead(str(number)) for number in range(3)]
    assert "At most 2 jobs can be replayed at a time" in select(client, *records).content.decode()
    assert not Record.objects.filter(state="queued").exists()


def test_the_page_says_where_an_outside_effect_may_have_happened(client, replayer):
    intended = given_up(MarkAlone, reason=Reason.ATTEMPTS_EXHAUSTED, name="one")
    assert "No outside effect is known." in select(client, intended).content.decode(), "it never came that far"
    Record.objects.filter(id=intended.id).update(intent_at=intended.created_at)
    assert "a replay may double it" in select(client, intended).content.decode()
