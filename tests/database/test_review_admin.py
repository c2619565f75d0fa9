"""One job's decisions in the admin: who may make them, what they do, and what a hostile form or payload comes to."""

import html
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client

from idempotency import transitions
from idempotency.claims import Problem, Seen
from idempotency.models import Attempt, Record
from idempotency.states import Reason
from jobs.models import Decision, Incident, Proposal
from jobs.review import bulk, decisions
from jobs.review.scope import Scope
from tests.app.tasks import Letter, Mark, MarkAlone
from tests.records import by_hand
from tests.review import address, decide, given_up, person, take, token_in

pytestmark = pytest.mark.django_db
ALL = ("view_record", "replay_record", "edit_payload", "discard_record", "cancel_record", "comment_record")
INBOX = "/admin/jobs/deadletter/"
HOSTILE = """"><script>alert('x')</script><img src=x onerror=alert(1)>{{ 7654321|add:1 }}"""


def signed_in(name: str, *permissions: str, **options) -> Client:
    client = Client(**options)
    client.force_login(person(*permissions, name=name))
    return client


@pytest.fixture
def ann():
    return signed_in("ann", *ALL)


@pytest.fixture
def viewer():
    return signed_in("viewer", "view_record")


def letter(**payload) -> Record:
    return given_up(Letter, Problem("ValueError", "no such street"), Reason.PERMANENT, **({"name": "one"} | payload))


def waiting(name="waits") -> Record:
    return Record.objects.get(id=Mark.enqueue(name=name).id)


def text(answer) -> str:
    return html.unescape(answer.content.decode())


# -- what each decision does ------------------------------------------------------------------------------------------


def test_replay_says_what_will_happen_asks_why_and_does_it_once(ann):
    record = letter()
    page = text(ann.get(address(record, "replay")))
    for shown in ("queued again with all its attempts", "no such street", "No retry could help when it failed"):
        assert shown in page
    assert "Done: replayed." in text(decide(ann, record, "replay", why="the street is there now"))
    record.refresh_from_db()
    assert (record.state, record.replay_count) == ("queued", 1)
    assert Decision.objects.get().why == "the street is there now"


def test_discard_takes_it_off_the_list_and_a_replay_brings_it_back(ann):
    record = letter()
    assert "Done: discarded." in text(decide(ann, record, "discard"))
    assert "Nothing waits for a person" in text(ann.get(INBOX))
    assert "Discarded by ann" in text(ann.get(address(record)))
    assert "Done: replayed." in text(decide(ann, record, "replay"))
    assert list(Decision.objects.order_by("id").values_list("action", flat=True)) == ["discard", "replay"]


def test_cancel_ends_a_waiting_job(ann):
    record = waiting()
    assert "Done: cancelled." in text(decide(ann, record, "cancel", why="the customer left"))
    record.refresh_from_db()
    assert (record.state, record.reason, record.error) == ("failed_permanent", "cancelled", "ann: the customer left")


def test_a_comment_is_read_by_whoever_comes_next(ann, viewer):
    record = letter()
    decide(ann, record, "comment", why="I asked the vendor")
    assert "I asked the vendor" in text(viewer.get(address(record)))


def test_an_incident_is_assigned_and_commented_on(ann):
    record = letter()
    bob = person("view_record", name="bob")
    incident = f"{INBOX}incident/{record.incident}/"
    ann.post(f"{incident}assign/", {"assignee": bob.pk, "why": "he knows streets"})
    ann.post(f"{incident}comment/", {"why": "the register is down"})
    page = text(ann.get(incident))
    for shown in ("bob", "he knows streets", "the register is down"):
        assert shown in page
    assert Incident.objects.get().assignee == bob
    assert text(ann.get(INBOX)).count("bob") == 1
    ann.post(f"{incident}assign/", {"assignee": "999999", "why": "nobody knows"})
    assert Incident.objects.get().assignee is None


def test_a_corrected_payload_is_shown_as_a_difference_and_runs_in_a_successor(ann):
    record = letter(text="Mian Street", password="hunter2")
    page = text(ann.get(address(record, "correct")))
    assert "hunter2" not in page
    token = token_in(page)
    asked = {"token": token, "why": "a typo", "parameter-text": "Main Street"}
    page = text(ann.post(address(record, "correct"), asked))
    assert "<del>Mian Street</del>" in page
    assert "<ins>Main Street</ins>" in page
    assert not Record.objects.filter(replaces=record.id).exists(), "nothing before it is confirmed"
    confirmed = asked | {"token": token_in(page), "confirmed": "1"}
    assert "runs in its place" in text(ann.post(address(record, "correct"), confirmed, follow=True))
    successor = Record.objects.get(replaces=record.id)
    assert successor.payload == {"name": "one", "text": "Main Street", "password": "hunter2"}
    assert (successor.state, successor.key) == ("queued", record.key)
    (kept, _) = Decision.objects.order_by("id")
    assert (kept.action, kept.before, kept.after["text"]) == ("correct", {"text": "Mian Street"}, "Main Street")


def test_with_a_second_approver_a_corrected_payload_waits_for_somebody_else(ann, settings):
    settings.JOBS_SECOND_APPROVER = ("edit",)
    record = letter(text="Mian Street")
    form = {"why": "a typo", "parameter-text": "Main Street", "confirmed": "1"}
    token = token_in(ann.get(address(record, "correct")).content.decode())
    assert "somebody else has to approve" in text(
        ann.post(address(record, "correct"), form | {"token": token}, follow=True)
    )
    url = f"{address(record).removesuffix('change/')}proposal/{Proposal.objects.get().pk}/"
    ann.post(url, {"approve": "1", "why": "me too"})
    assert not Record.objects.filter(replaces=record.id).exists()
    bob = signed_in("bob", *ALL)
    assert "runs in its place" in text(bob.post(url, {"approve": "1", "why": "looks right"}, follow=True))
    assert "bob decided first" in text(ann.post(url, {"approve": "1", "why": "again"}, follow=True))
    assert Record.objects.filter(replaces=record.id).count() == 1


# -- who decided first ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", ["replay", "discard"])
def test_of_two_admins_the_second_is_told_what_happened(ann, second):
    record, bob = letter(), signed_in("bob", *ALL)
    token = token_in(bob.get(address(record, second)).content.decode())
    decide(ann, record, "replay")
    late = text(bob.post(address(record, second), {"token": token, "why": "me too"}, follow=True))
    assert "Nothing was done: ann decided first (replay" in late
    assert "it is queued now" in late
    assert Decision.objects.count() == 1


def test_a_job_that_finished_meanwhile_is_told_so(ann):
    record = letter()
    token = token_in(ann.get(address(record, "replay")).content.decode())
    decisions.replay([Seen(record.id, record.fencing_token)], by="a script", why="at night")
    transitions.succeed(connection, [take(record)], ["1"])
    late = text(ann.post(address(record, "replay"), {"token": token, "why": "now"}, follow=True))
    assert "it is succeeded now" in late
    assert Record.objects.get(id=record.id).replay_count == 1


# -- who may not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decision", ["replay", "correct", "discard", "cancel", "comment"])
def test_who_may_only_look_sees_no_button_and_gets_403(viewer, decision):
    record = waiting() if decision == "cancel" else letter()
    assert f"/{decision}/" not in text(viewer.get(address(record)))
    assert viewer.get(address(record, decision)).status_code == 403
    assert viewer.post(address(record, decision), {"token": "x", "why": "let me"}).status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("permission", "allowed"),
    [
        ("replay_record", {"replay"}), ("discard_record", {"discard"}), ("comment_record", {"comment"}),
        ("cancel_record", set()), ("edit_payload", set()),
    ],
)  # fmt: skip
def test_each_permission_allows_its_own_decision_and_no_other(permission, allowed):
    record, client = letter(), signed_in("somebody", "view_record", permission)
    open_ = {
        d for d in ("replay", "correct", "discard", "comment") if client.get(address(record, d)).status_code == 200
    }
    assert open_ == allowed
    assert {
        d for d in ("replay", "correct", "discard", "comment") if f"/{d}/" in text(client.get(address(record)))
    } == allowed


def test_a_viewer_can_neither_assign_nor_comment_on_an_incident(viewer):
    incident = f"{INBOX}incident/{letter().incident}/"
    assert [viewer.post(f"{incident}{what}/", {"why": "x"}).status_code for what in ("assign", "comment")] == [403, 403]
    assert f"{incident}assign/" not in text(viewer.get(incident))


def test_who_may_decide_but_not_look_gets_403():
    record, blind = letter(), signed_in("blind", *ALL[1:])
    assert [blind.get(url).status_code for url in (INBOX, address(record), address(record, "replay"))] == [403] * 3


# -- forged forms -----------------------------------------------------------------------------------------------------


def test_another_ones_token_or_one_for_another_job_or_decision_is_worth_nothing(ann):
    record, other, bob = letter(), letter(name="other"), signed_in("bob", *ALL)
    token = token_in(ann.get(address(record, "replay")).content.decode())
    posted = {"token": token, "why": "x"}
    assert bob.post(address(record, "replay"), posted).status_code == 403
    assert ann.post(address(record, "discard"), posted).status_code == 403
    assert ann.post(address(other, "replay"), posted).status_code == 404
    assert ann.post(address(record, "replay"), {"token": token[:-1] + "x", "why": "x"}).status_code == 403
    assert ann.post(address(record, "replay"), {"why": "x"}).status_code == 403
    assert not Decision.objects.exists()


def test_a_form_from_elsewhere_is_refused(ann):
    record, strict = letter(), Client(enforce_csrf_checks=True)
    posted = {
        "token": token_in(ann.get(address(record, "replay")).content.decode()),
        "why": "x",
        "csrfmiddlewaretoken": "x",
    }
    strict.cookies = ann.cookies
    incident = f"{INBOX}incident/{record.incident}/"
    urls = [address(record, d) for d in ("replay", "correct", "discard", "cancel", "comment")]
    for url in (*urls, f"{incident}assign/", f"{incident}comment/", "/admin/idempotency/record/replay/"):
        assert strict.post(url, posted).status_code == 403, url
    assert not Decision.objects.exists()


def test_nothing_is_decided_by_a_link(ann):
    record = letter()
    for decision in ("replay", "correct", "discard", "comment"):
        ann.get(address(record, decision), {"token": "x", "why": "x", "confirmed": "1"})
    assert Record.objects.filter(state="failed_permanent", resolved_at=None).count() == 1
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("parameter-state", "has no parameter 'state'"),
        ("parameter-fencing_token", "has no parameter 'fencing_token'"),
        ("parameter-name", "cannot be changed"),
        ("parameter-__class__", "has no parameter '__class__'"),
    ],
)
def test_the_edit_form_sets_parameters_that_may_be_corrected_and_nothing_else(ann, field, problem):
    record = letter()
    form = {"token": token_in(ann.get(address(record, "correct")).content.decode()), "why": "x", "confirmed": "1"}
    answer = text(ann.post(address(record, "correct"), form | {"parameter-text": "new", field: "succeeded"}))
    assert problem in answer
    assert not Record.objects.filter(replaces=record.id).exists()


def test_fields_of_the_record_in_the_edit_form_are_ignored(ann):
    record = letter()
    form = {"token": token_in(ann.get(address(record, "correct")).content.decode()), "why": "x", "confirmed": "1"}
    hostile = {
        "state": "succeeded",
        "task": MarkAlone.name,
        "queue": "critical",
        "id": str(uuid4()),
        "replaces": "",
        "by": "bob",
    }
    ann.post(address(record, "correct"), form | hostile | {"parameter-text": "new"})
    successor = Record.objects.get(replaces=record.id)
    assert (successor.state, successor.task, successor.queue) == ("queued", record.task, record.queue)
    assert set(Decision.objects.values_list("by", flat=True)) == {"ann"}


@pytest.mark.parametrize("copies", ["two", '{"a"', "1; DROP TABLE"])
def test_a_field_that_is_no_json_is_said_to_be_none(ann, copies):
    record = letter()
    form = {"token": token_in(ann.get(address(record, "correct")).content.decode()), "why": "x", "confirmed": "1"}
    assert "is no JSON" in text(ann.post(address(record, "correct"), form | {"parameter-copies": copies}))


# -- hostile payloads -------------------------------------------------------------------------------------------------


def test_no_displayed_field_of_any_page_is_html(ann):
    """Whatever a caller, a vendor or a colleague may have written: error, payload, account, worker, reason, filter."""
    problem = Problem(f"Error{HOSTILE}", HOSTILE, traceback=HOSTILE)
    record = given_up(Letter, problem, Reason.PERMANENT, name=HOSTILE, text=HOSTILE)
    calls = [{"at": HOSTILE, "method": HOSTILE, "url": HOSTILE, "status": None, "error": HOSTILE, "ms": 1,
              "idempotency_key": HOSTILE}]  # fmt: skip
    Attempt.objects.filter(record=record).update(worker=HOSTILE, vendor_calls=calls)
    by_hand(
        connection,
        "UPDATE idempotency_record SET account = %s, claimed_by = %s WHERE id = %s",
        HOSTILE,
        HOSTILE,
        record.id,
    )
    person("view_record", name=HOSTILE[:150])
    decisions.note(Decision.Action.COMMENT, by=HOSTILE, why=HOSTILE, record_id=record.id, incident=record.incident)
    found = bulk.draft(Scope(), by="ann")
    pages = [INBOX, f"{INBOX}?search={HOSTILE}&error={HOSTILE}&task={HOSTILE}", f"{INBOX}?state={HOSTILE}",
             f"{INBOX}incident/{record.incident}/", f"{INBOX}incident/{record.incident}/assign/", address(record),
             *(address(record, d) for d in ("replay", "correct", "discard", "comment")),
             f"/admin/jobs/bulkreplay/{found.pk}/change/"]  # fmt: skip
    shown = [ann.get(page).content.decode() for page in pages]
    bulk.start(found, bulk.Pace(), by="ann", why=HOSTILE)
    bulk.decide(found, bulk.MOVES["cancel"], by=HOSTILE, why=HOSTILE)
    found.items.update(answer=HOSTILE)
    pages += [pages[-1], "/admin/jobs/bulkreplay/"]
    shown += [ann.get(page).content.decode() for page in pages[-2:]]
    found.refresh_from_db()
    for page, content in zip(pages, shown, strict=True):
        assert "<script>alert" not in content, page
        assert "<img src=x" not in content, page
        assert "7654322" not in content, page
    told = sum(content.count("&lt;script&gt;") for content in shown)
    assert told > 30, "it is shown, as text"


def test_a_hostile_filter_chooses_what_it_says_and_not_what_it_means(ann):
    letter()
    found = ann.post("/admin/jobs/bulkreplay/preview/", {"error": "' OR 1=1 --"}, follow=True)
    assert "No given-up job fits this filter" in text(found)
    assert "No given-up job fits this filter." in text(ann.get(INBOX, {"search": "' OR 1=1 --"}))


def test_no_payload_is_in_a_url_and_a_secret_is_on_no_page(ann):
    record = letter(text="Mian Street", password="hunter2")
    for page in (address(record), *(address(record, d) for d in ("replay", "correct", "discard")), INBOX,
                 f"{INBOX}incident/{record.incident}/"):  # fmt: skip
        assert "hunter2" not in text(ann.get(page)), page
    assert "No given-up job fits this filter." in text(ann.get(INBOX, {"search": "hunter2"})), "nor can it be guessed"
    answer = decide(ann, record, "replay")
    assert not any("Mian" in url for url, _ in answer.redirect_chain)
