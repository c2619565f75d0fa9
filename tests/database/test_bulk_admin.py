"""Bulk replays in the admin: who may do what, with which form, and what the pages say."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from jobs.models import BulkReplay, Decision
from jobs.review import bulk
from jobs.review.scope import Scope
from tests.app.tasks import MarkAlone
from tests.bulk import begun, many_given_up, run_all, states, step
from tests.review import given_up, person, token_in

pytestmark = pytest.mark.django_db
PREVIEW = "/admin/jobs/bulkreplay/preview/"
LIST = "/admin/jobs/bulkreplay/"
FORM = {"rate": "50", "canary": "2", "stop_percent": "20", "why": "the vendor is back"}


def signed_in(name: str, *permissions: str, **options) -> Client:
    client = Client(**options)
    client.force_login(person(*permissions, name=name))
    return client


@pytest.fixture
def ann():
    return signed_in("ann", "view_record", "replay_record")


@pytest.fixture
def bob():
    return signed_in("bob", "view_record", "replay_record")


@pytest.fixture
def viewer():
    return signed_in("viewer", "view_record")


def address(found, page="change", *more):
    return reverse(f"admin:jobs_bulkreplay_{page}", args=[found.pk, *more])


def previewed(client, **scope) -> tuple[BulkReplay, str]:
    """What a press on the inbox's button leads to: the chosen jobs, and their page."""
    page = client.post(PREVIEW, scope, follow=True)
    return BulkReplay.objects.order_by("-id").first(), page.content.decode()


def started(client, **form):
    found, page = previewed(client)
    answer = client.post(address(found, "start"), FORM | form | {"token": token_in(page)}, follow=True)
    found.refresh_from_db()
    return found, answer.content.decode()


def moved(client, found, move, why="to look first"):
    token = token_in(client.get(address(found, "move", move)).content.decode())
    return client.post(address(found, "move", move), {"token": token, "why": why}, follow=True).content.decode()


def test_from_the_filter_to_a_running_replay(ann):
    many_given_up(5)
    given_up(MarkAlone, name="other")
    found, page = previewed(ann, task="tests.app.Mark")
    assert "5 given-up jobs: task tests.app.Mark." in page
    assert "No outside effect is known." in page
    assert found.state == "draft"
    answer = ann.post(address(found, "start"), FORM | {"token": token_in(page)}, follow=True).content.decode()
    assert "Done: the canary goes first." in answer
    found.refresh_from_db()
    assert (found.state, found.by, found.why, found.canary, found.stop_share) == (
        "canary", "ann", "the vendor is back", 2, 0.2,
    )  # fmt: skip
    step(found)
    page = ann.get(address(found)).content.decode()
    assert "0 of its 2 jobs have ended" in page
    assert 'http-equiv="refresh" content="3"' in page
    run_all()
    for _ in range(3):
        step(found)
    run_all()
    page = ann.get(address(found)).content.decode()
    assert "5 of 5 jobs had their turn: 5 succeeded, 0 were given up again, 0 are under way" in page
    assert "http-equiv" not in page, "what is over loads no more"
    assert "replay of 5 jobs" in ann.get(LIST).content.decode()


def test_a_filter_that_chooses_nothing_leads_back_with_a_sentence(ann):
    for filter_, sentence in (({"task": "x"}, "No given-up job fits"), ({"state": "x"}, "There is no state")):
        assert sentence in ann.post(PREVIEW, filter_, follow=True).content.decode()
    assert not BulkReplay.objects.exists()


def test_pause_resume_and_cancel_each_say_what_will_happen_and_ask_why(ann, bob):
    many_given_up(5)
    found, _ = started(ann)
    assert (
        "No further job is sent until somebody resumes it" in bob.get(address(found, "move", "pause")).content.decode()
    )
    assert "Done: paused." in moved(bob, found, "pause")
    assert "Paused by bob: to look first" in ann.get(address(found)).content.decode()
    assert "Done: it goes on." in moved(ann, found, "resume")
    assert "the audit trail needs a reason" in moved(ann, found, "cancel", why=" ")
    assert "Done: cancelled." in moved(ann, found, "cancel")
    kept = Decision.objects.filter(bulk=found).order_by("id").values_list("by", "after__move")
    assert list(kept) == [("ann", "start"), ("bob", "pause"), ("ann", "resume"), ("ann", "cancel")]


def test_two_people_at_once_make_one_decision_and_the_second_is_told(ann, bob):
    many_given_up(5)
    found, _ = started(ann)
    token = token_in(bob.get(address(found, "move", "cancel")).content.decode())
    moved(ann, found, "cancel")
    late = bob.post(address(found, "move", "cancel"), {"token": token, "why": "me too"}, follow=True).content.decode()
    assert "Nothing was done: ann decided first" in late
    assert Decision.objects.filter(bulk=found, after__move="cancel").count() == 1


def test_a_second_press_of_start_begins_nothing(ann):
    many_given_up(5)
    found, page = previewed(ann)
    posted = FORM | {"token": token_in(page)}
    ann.post(address(found, "start"), posted)
    assert (
        "Nothing was done: ann decided first" in ann.post(address(found, "start"), posted, follow=True).content.decode()
    )
    assert Decision.objects.filter(bulk=found).count() == 1


def test_with_a_second_approver_the_starter_sees_no_approval_and_cannot_post_one(ann, bob, settings):
    settings.JOBS_SECOND_APPROVER = ("bulk",)
    many_given_up(5)
    found, page = started(ann)
    assert "somebody else has to approve it" in page
    assert "Approve …" not in page
    assert "Somebody else has to approve what you started." in moved(ann, found, "approve")
    found.refresh_from_db()
    assert found.state == "awaiting_approval"
    assert "Done: approved" in moved(bob, found, "approve")


def test_numbers_that_mean_nothing_are_asked_for_again(ann):
    many_given_up(5)
    for wrong in ({"rate": "0"}, {"rate": "nan"}, {"canary": "0"}, {"stop_percent": "101"}, {"why": ""}):
        found, page = started(ann, **wrong)
        assert found.state == "draft", wrong
        assert "errorlist" in page, wrong


def test_a_form_sets_nothing_but_its_own_fields(ann):
    many_given_up(5)
    hostile = {"state": "finished", "by": "bob", "approved_by": "bob", "total": "1", "scope": "{}", "id": "7"}
    found, _ = started(ann, **hostile)
    assert (found.state, found.by, found.approved_by, found.total) == ("canary", "ann", None, 5)


def test_who_may_only_look_sees_no_button_and_gets_403(viewer, ann):
    many_given_up(5)
    found, _ = started(ann)
    page = viewer.get(address(found)).content.decode()
    assert "0 of 5 jobs had their turn" in page
    assert address(found, "move", "pause") not in page
    assert PREVIEW not in viewer.get("/admin/jobs/deadletter/").content.decode()
    draft, _ = previewed(ann)
    for url in (PREVIEW, address(found, "start"), *(address(found, "move", move) for move in bulk.MOVES)):
        assert viewer.post(url, FORM).status_code == 403, url
    assert viewer.get(address(draft)).status_code == 403
    assert BulkReplay.objects.filter(state="canary").count() == 1


def test_who_may_not_even_look_sees_nothing(ann):
    many_given_up(5)
    found, _ = started(ann)
    stranger = signed_in("stranger")
    assert [stranger.get(url).status_code for url in (LIST, address(found))] == [403, 403]


def test_another_ones_selection_is_neither_shown_nor_started(ann, bob):
    many_given_up(5)
    found, page = previewed(ann)
    assert bob.get(address(found)).status_code == 403
    stolen = FORM | {"token": token_in(page)}
    assert bob.post(address(found, "start"), stolen).status_code == 403
    found.refresh_from_db()
    assert found.state == "draft"


def test_a_token_is_worth_nothing_for_another_bulk_replay_or_another_move(ann):
    many_given_up(5)
    (one, page), (other, _) = previewed(ann), previewed(ann)
    assert ann.post(address(other, "start"), FORM | {"token": token_in(page)}).status_code == 403
    running, _ = started(ann)
    token = token_in(ann.get(address(running, "move", "pause")).content.decode())
    assert ann.post(address(running, "move", "cancel"), {"token": token, "why": "x"}).status_code == 403
    assert {one.state, other.state} == {"draft"}


def test_a_form_from_elsewhere_is_refused(ann):
    many_given_up(5)
    found, page = previewed(ann)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = ann.cookies
    posted = FORM | {"token": token_in(page)}
    for url in (PREVIEW, address(found, "start"), address(found, "move", "cancel")):
        assert strict.post(url, posted).status_code == 403, url
    assert states() == {"dead_lettered": 5}
    found.refresh_from_db()
    assert found.state == "draft"


def test_nothing_is_decided_by_a_link(ann):
    many_given_up(5)
    found = begun(by="ann")
    assert ann.get(PREVIEW).status_code == 405
    assert ann.get(address(found, "start")).status_code == 405
    for move in bulk.MOVES:
        ann.get(address(found, "move", move))
    found.refresh_from_db()
    assert found.state == "canary"


def test_a_page_older_than_an_hour_is_looked_at_again(ann, monkeypatch):
    many_given_up(5)
    found, page = previewed(ann)
    monkeypatch.setattr("jobs.admin.tokens.LASTS", 0)
    answer = ann.post(address(found, "start"), FORM | {"token": token_in(page)}, follow=True).content.decode()
    assert "Look again, and decide anew." in answer
    found.refresh_from_db()
    assert found.state == "draft"


def test_what_is_no_bulk_replay_is_not_found(ann):
    many_given_up(1)
    draft = bulk.draft(Scope(), by="ann")
    for number in ("0", "x", "9" * 18, "9" * 40):
        assert ann.get(f"{LIST}{number}/change/").status_code == 404
    assert ann.get(address(draft, "move", "pause")).status_code == 404


def test_ten_thousand_jobs_fit_on_a_page_with_few_questions(ann, django_assert_max_num_queries):
    many_given_up(10_000, causes=40)
    found, _ = previewed(ann)
    with django_assert_max_num_queries(11):
        page = ann.get(address(found)).content
    assert len(page) < 40_000
    with django_assert_max_num_queries(11):
        inbox = ann.get("/admin/jobs/deadletter/").content.decode()
    assert re.search(r'lead">\S+ .*', inbox)[0] == 'lead">10000 jobs in 40 incidents wait for a person.</p>'
    bulk.start(found, bulk.Pace(), by="ann", why="now")
    with django_assert_max_num_queries(11):
        ann.get(address(found))
