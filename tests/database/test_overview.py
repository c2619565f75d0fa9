"""The overview and the pauses of queues: what they say, who may do what, and what they cost."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from idempotency import queues, reads, transitions
from idempotency.models import GivenUp, Record
from idempotency.states import PauseKind, Reason
from jobs import conf, registry
from jobs.metrics import measuring
from jobs.metrics import snapshot as metrics
from jobs.metrics.calls import NAME as VENDOR_CALLS
from jobs.metrics.measuring import Sums
from jobs.models import Decision, Mark, Minute, Worker
from jobs.overview import sentences, snapshot
from jobs.overview.sentences import troubles
from jobs.review import pausing
from tests.app.tasks import Echo
from tests.busy_day import a_busy_day, count_a_day, make_schedules, reference_settings
from tests.history import fill
from tests.plans import read_by_index
from tests.processes import ROOT, wait_until
from tests.records import OOPS, by_hand, claim, empty_heap
from tests.review import person

pytestmark = pytest.mark.django_db
PAGE = "/admin/jobs/overview/"
XSS = "<script>alert('x')</script>"


@pytest.fixture(autouse=True)
def four_queues(settings):
    reference_settings(settings)


@pytest.fixture
def viewer(client):
    client.force_login(person("view_record"))
    return client


@pytest.fixture
def operator(client):
    client.force_login(person("view_record", "pause_queue"))
    return client


def page_of(client, address=PAGE) -> str:
    return client.get(address).content.decode()


def address(verb: str, queue: str = "default") -> str:
    return reverse(f"admin:jobs_overview_{verb}", args=[queue])


def seen_in(page: str) -> str:
    return re.search(r'name="seen" value="([^"]*)"', page)[1]


def resume(client, queue="default", **posted):
    posted = {"why": "it is mended", "seen": seen_in(page_of(client, address("resume", queue)))} | posted
    return client.post(address("resume", queue), posted, follow=True).content.decode()


def pause(queue="default", **kwargs):
    about = {"duration": timedelta(hours=1), "reason": "vendor is down", "by": "ann"} | kwargs
    assert queues.pause(connection, queue, **about)


def said() -> list[tuple[str, str]]:
    return [(trouble.level, trouble.sentence) for trouble in troubles(snapshot.take())]


def relay_is_there():
    Minute.objects.create(minute=timezone.now() - timedelta(minutes=1), queue="default")


def worker(*serves: str):
    registry.report(connection, name="w1", pid=1, queues=list(serves), tasks={}, slots=4, busy=1)


# -- the sentence -----------------------------------------------------------------------------------------------------


def test_all_is_well(viewer):
    relay_is_there()
    assert said() == []
    page = page_of(viewer)
    assert "All is well." in page
    assert "No job waits; no worker is alive." in page


def test_a_pause_is_told_with_what_waits_for_its_end():
    relay_is_there()
    Echo.enqueue_many({"value": n} for n in range(3))
    pause(duration=None)
    ((level, sentence),) = said()
    assert level == "amber"
    assert re.fullmatch(r"default is paused since \d\d:\d\d, by ann: 3 jobs wait\.", sentence)


def test_a_vendors_pause_of_ten_minutes_is_red():
    relay_is_there()
    pause("billing-sync", kind=PauseKind.RATE_LIMIT, vendor="ledgerly", reason="429")
    assert [level for level, _ in said()] == ["amber"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE idempotency_queue SET episode_at = episode_at - interval '10 minutes'")
    ((level, sentence),) = said()
    assert level == "red"
    assert re.search(r"until \d\d:\d\d, its vendor asked for it: no job waits", sentence)


def test_jobs_that_nobody_serves_are_told():
    relay_is_there()
    Echo.enqueue(value=1)
    assert said() == [("red", "No worker serves default: 1 job waits.")]


def test_a_queue_that_is_late_is_told_and_a_critical_one_is_urgent():
    relay_is_there()
    worker("default", "critical")
    Echo.enqueue(value=1)
    Echo.using(queue="critical").enqueue(value=2)
    assert said() == []
    Record.objects.update(available_at=timezone.now() - timedelta(minutes=4))
    assert said() == [
        ("red", "critical is late: its oldest job has waited 4 min, 1 s is its target."),
        ("amber", "default is late: its oldest job has waited 4 min, 30 s is its target."),
    ]


def test_more_than_twenty_dead_letters_an_hour_are_told(viewer):
    relay_is_there()
    Echo.enqueue_many({"value": n} for n in range(21))
    for claimed in claim(connection, 21):
        transitions.dead_letter(connection, claimed, reason=Reason.POISON, problem=OOPS)
    ((level, sentence),) = said()
    assert (level, sentence[:53]) == ("red", "21 jobs were dead-lettered in the last hour, more tha")
    assert "21 to review" in page_of(viewer)
    GivenUp.objects.filter(id=GivenUp.objects.first().id).update(at=reads.now(connection) - timedelta(minutes=61))
    assert said() == [], "what was given up before is none of this hour's"


@pytest.mark.parametrize("minutes", [None, 10])
def test_a_relay_that_is_not_there_is_told(minutes):
    if minutes:
        Minute.objects.create(minute=timezone.now() - timedelta(minutes=minutes), queue="default")
    ((level, sentence),) = said()
    assert level == "red"
    assert "Is `manage.py jobs relay` running?" in sentence


@pytest.mark.parametrize(("runbooks", "shown"), [
    ("runbooks/", '<span class="runbook quiet">runbooks/no-workers.md</span>'),
    ("https://wiki.example/", 'href="https://wiki.example/no-workers.md"'),
])  # fmt: skip
def test_the_sentence_names_the_runbook_and_links_it_where_it_has_an_address(viewer, settings, runbooks, shown):
    settings.JOBS_RUNBOOKS = runbooks
    relay_is_there()
    Echo.enqueue(value=1)
    assert shown in page_of(viewer)


def test_every_sentence_but_that_of_a_persons_pause_has_a_runbook_that_exists():
    for kind in PauseKind:
        pause("billing-sync", kind=kind, vendor="ledgerly")
        found = troubles(snapshot.take())
        assert {t.page for t in found if "paused" in t.sentence} == {sentences.PAGES.get(kind, "")}
        assert all((ROOT / t.runbook).is_file() for t in found if t.page), found
        queues.resume(connection, "billing-sync")
    assert set(sentences.PAGES) == {k.value for k in PauseKind} - {"operator"}


def test_what_the_metrics_say_beside_is_told_too_and_nothing_twice():
    relay_is_there()
    Echo.enqueue(value=1)
    Echo.using(queue="critical").enqueue(value=2)
    by_hand(connection, "UPDATE idempotency_record SET line = NULL, parked_reason = 'v2' WHERE queue = 'critical'")
    metrics.newest(connection, fresh=timedelta(0))
    found = [(t.level, t.page, t.queue) for t in troubles(snapshot.take())]
    assert found.count(("red", "no-workers", "default")) == 1, "the overview and the alert say the same of it"
    assert ("amber", "parked", "critical") in found
    with connection.cursor() as cursor:
        cursor.execute("UPDATE jobs_snapshot SET taken_at = taken_at - interval '61 seconds'")
    assert [t.page for t in troubles(snapshot.take())] == ["no-workers"], "old metrics say what was"


def test_a_vendor_tells_how_long_its_calls_take(viewer):
    a_busy_day(waiting=3)
    assert "95 % of its calls take" not in page_of(viewer)
    sums = Sums()
    for took in [0.07] * 90 + [4.0] * 10:
        sums.observe(VENDOR_CALLS, took, "ledgerly", "ok")
    measuring.add(connection, sums)
    metrics.newest(connection, fresh=timedelta(0))
    assert "95 % of its calls take <strong>4 s</strong> at most" in page_of(viewer)
    (sync,) = [q for q in viewer.get(PAGE, {"format": "json"}).json()["queues"] if q["vendor"]]
    assert sync["vendor_latency_p95"] == pytest.approx(3.75)


# -- the page ---------------------------------------------------------------------------------------------------------


def test_it_stands_first_in_the_admins_list(viewer):
    index = page_of(viewer, "/admin/")
    places = [index.index(f"/admin/jobs/{name}/") for name in ("overview", "deadletter", "worker")]
    assert places[0] == min(places)
    assert "> Overview<" in index


def test_it_shows_queues_vendors_workers_schedules_and_deploys(viewer):
    a_busy_day(waiting=30)
    page = page_of(viewer)
    for text in ("billing-sync", "ledgerly", "429 Too Many Requests: Retry-After 840", "resumes in", "data-until"):
        assert text in page
    for text in ("200 calls a second", "billing@app-2", "silent", "nightly import", "deploy 1.4.1", "Succeed"):
        assert text in page


def test_a_worker_that_finishes_what_it_runs_is_neither_alive_nor_silent(viewer):
    worker("default")
    registry.drains(connection, "w1", 1)
    (told,) = viewer.get(PAGE, {"format": "json"}).json()["workers"]
    assert (told["alive"], told["draining"], told["version"]) == (False, True, registry.build()["version"])
    assert "finishing" in page_of(viewer)
    by_hand(connection, "UPDATE jobs_worker SET draining_at = draining_at - interval '16 seconds'")
    (told,) = viewer.get(PAGE, {"format": "json"}).json()["workers"]
    assert (told["alive"], told["draining"]) == (False, False)
    assert "silent" in page_of(viewer)


def test_programs_get_the_same_numbers(viewer):
    a_busy_day(waiting=30)
    told = viewer.get(PAGE, {"format": "json"}).json()
    assert (told["well"], told["troubles"][0]["queue"], told["depth"]) == (False, "billing-sync", 30 + 4)
    (sync,) = [queue for queue in told["queues"] if queue["queue"] == "billing-sync"]
    assert sync | {"due": 30, "state": "paused", "vendor": "ledgerly", "slots": 8} == sync
    assert sync["pause"]["by"] == "billing@app-1"
    assert [worker["name"] for worker in told["workers"] if not worker["alive"]] == ["billing@app-2"]
    assert len(told["day"]) == 96
    assert told["last_hour"]["success"] > 0.9
    assert [mark["text"] for mark in told["marks"]] == ["deploy 1.4.0", "deploy 1.4.1"]


def test_without_any_history_there_is_a_page_too(viewer):
    page = page_of(viewer)
    assert "No worker has ever reported" in page
    assert "Schedules" not in page


def test_a_schedule_that_cannot_be_read_takes_nothing_away(viewer, monkeypatch):
    make_schedules()
    broken = property(lambda _: 1 / 0)
    monkeypatch.setattr("django_celery_beat.models.PeriodicTask.schedule", broken)
    assert "nightly import" in page_of(viewer)


def test_what_others_wrote_is_escaped(operator):
    relay_is_there()
    pause(reason=XSS, by=XSS)
    Mark.objects.create(by=XSS, text=XSS)
    worker("default")
    Worker.objects.update(name=XSS, queues=[XSS])
    for shown in (PAGE, address("pause"), address("resume")):
        page = page_of(operator, shown)
        assert XSS not in page
        assert "&lt;script&gt;" in page


def test_it_costs_fewer_than_fifteen_queries_and_none_reads_the_whole_table(operator):
    fill(connection, conf.queues(), finished=60_000, live=20_000)
    count_a_day()
    with CaptureQueriesContext(
        connection,
    ) as captured:
        page = page_of(operator)
    assert "20,000" not in page, "some are running"
    assert len(captured) < 15
    for query in captured:
        if query["sql"].lstrip().startswith(("--", "SELECT", "WITH")):
            read_by_index(connection, query["sql"], None)


def test_the_list_that_it_leads_to_reads_no_whole_table_either(viewer):
    empty_heap(connection)
    fill(connection, conf.queues(), finished=30_000, live=2_000)
    with CaptureQueriesContext(connection) as captured:
        page = page_of(viewer, "/admin/idempotency/record/")
    assert "10000 records" in page.lower()
    assert "?queue=billing-sync" in page
    for query in captured:
        read_by_index(connection, query["sql"], None)
    for queue, found in (("critical", 34), ("default", 0)):
        narrowed = page_of(viewer, f"/admin/idempotency/record/?queue={queue}&state__exact=failed_permanent")
        assert f"{found} records" in narrowed.lower()


# -- pause and resume -------------------------------------------------------------------------------------------------


def test_someone_who_may_only_look_sees_no_button_and_may_not_post(viewer):
    pause("billing-sync")
    assert "/pause/" not in page_of(viewer)
    assert "/resume/" not in page_of(viewer)
    for verb in ("pause", "resume"):
        assert viewer.get(address(verb)).status_code == 403
        assert viewer.post(address(verb), {"why": "let me"}).status_code == 403
    assert not reads.is_paused(connection, "default")
    assert not Decision.objects.exists()


def test_someone_who_may_not_look_sees_nothing(client):
    client.force_login(person("pause_queue"))
    for shown in (PAGE, f"{PAGE}?format=json", address("pause"), address("resume")):
        assert client.get(shown).status_code == 403


def test_a_forged_form_is_refused(operator):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post(address("pause"), {"why": "forged", "lasts": "60"}).status_code == 403
    assert not reads.is_paused(connection, "default")


def test_a_pause_says_what_will_happen_and_is_kept_with_its_reason(operator):
    relay_is_there()
    Echo.enqueue_many({"value": n} for n in range(3))
    claim(connection, 1)
    page = page_of(operator, address("pause"))
    assert "1 in hand is finished." in page
    assert "2 jobs wait now and stay queued; new ones are accepted" in page
    posted = {"why": "the importer is broken", "lasts": "60"}
    assert "Done: default is paused." in operator.post(address("pause"), posted, follow=True).content.decode()
    (gate,) = reads.gates(connection, ["default"]).values()
    assert (gate.by, gate.reason) == ("operator", "the importer is broken")
    assert 3500 < gate.left <= 3600
    decision = Decision.objects.get()
    assert (decision.action, decision.by, decision.queue) == ("pause", "operator", "default")
    assert (decision.before, decision.after["until"]) == ({"paused": False}, gate.until.isoformat())
    assert "the importer is broken" in page_of(operator, address("pause")), "whoever comes next reads it"


@pytest.mark.parametrize(
    ("posted", "problem"),
    [
        ({"why": " ", "lasts": "60"}, "the audit trail needs a reason"),
        ({"why": "x", "lasts": "7"}, "not one of the available choices"),
        ({"why": "x", "until": "2020-01-01T00:00"}, "This moment has passed"),
        ({"why": "x", "until": "9999-01-01T00:00"}, "further away than ten years"),
    ],
)
def test_a_pause_without_a_reason_or_an_end_that_can_be_is_asked_for_again(operator, posted, problem):
    assert problem in operator.post(address("pause"), posted).content.decode()
    assert not reads.is_paused(connection, "default")


def test_a_pause_may_last_until_a_moment_or_until_somebody_ends_it(operator):
    tomorrow = timezone.now() + timedelta(days=1)
    operator.post(address("pause"), {"why": "x", "lasts": "15", "until": tomorrow.strftime("%Y-%m-%dT%H:%M")})
    assert abs(reads.gates(connection, ["default"])["default"].until - tomorrow) < timedelta(minutes=2)
    operator.post(address("pause"), {"why": "x", "lasts": ""})
    assert reads.gates(connection, ["default"])["default"].until is None


def test_two_presses_of_pause_are_one_pause_and_one_line_in_the_audit_trail(operator):
    posted = {"why": "the importer is broken", "lasts": "60", "seen": seen_in(page_of(operator, address("pause")))}
    operator.post(address("pause"), posted)
    until = reads.gates(connection, ["default"])["default"].until
    answer = operator.post(address("pause"), posted, follow=True).content.decode()
    assert "Nothing was done: operator has paused default already: the importer is broken." in answer
    assert reads.gates(connection, ["default"])["default"].until == until
    assert Decision.objects.filter(action="pause").count() == 1


def test_who_saw_the_pause_may_prolong_it(operator):
    pause(duration=timedelta(minutes=1))
    posted = {"why": "it takes longer", "lasts": "60", "seen": seen_in(page_of(operator, address("pause")))}
    assert "Done: default is paused." in operator.post(address("pause"), posted, follow=True).content.decode()


def test_who_saw_a_pause_that_somebody_ended_begins_none(operator):
    pause()
    posted = {"why": "it takes longer", "lasts": "60", "seen": seen_in(page_of(operator, address("pause")))}
    queues.resume(connection, "default", by="ann", reason="mended")
    answer = operator.post(address("pause"), posted, follow=True).content.decode()
    assert "its pause has ended since you looked at it" in answer
    assert not reads.is_paused(connection, "default")


@pytest.mark.django_db(transaction=True)
def test_of_two_presses_at_once_the_second_looks_when_the_first_is_written():
    def press(hours):
        duration = timedelta(hours=hours)
        return pausing.pause("default", duration=duration, by="ann", why="x", looked=pausing.Looked(None)).done

    def press_elsewhere(hours):
        with closing(connection):  # the thread's own
            return press(hours)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            assert press(1)
            second = pool.submit(press_elsewhere, 2)  # longer, so that nothing but the look stands in its way
            wait_until(waits_for_a_lock)
        assert not second.result()
    assert Decision.objects.filter(action="pause").count() == 1


def waits_for_a_lock():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return cursor.fetchone()[0]


def test_the_second_of_two_people_is_told_that_a_longer_pause_stands(operator):
    pause(duration=None)
    answer = operator.post(address("pause"), {"why": "x", "lasts": "15"}, follow=True).content.decode()
    assert "Nothing was done: default was paused for longer already." in answer
    assert not Decision.objects.exists()


def test_what_is_resumed_goes_on_and_the_trail_says_what_ended(operator):
    pause()
    assert "Done: default goes on." in resume(operator)
    assert not reads.is_paused(connection, "default")
    decision = Decision.objects.get()
    assert (decision.action, decision.why, decision.before["reason"]) == ("resume", "it is mended", "vendor is down")


def test_a_vendors_own_pause_is_resumed_with_a_warning(operator):
    pause("billing-sync", kind=PauseKind.RATE_LIMIT, vendor="ledgerly")
    page = page_of(operator, address("resume", "billing-sync"))
    assert "ledgerly asked for this pause" in page
    assert "grow from one a second" in page


def test_a_pause_that_began_since_the_page_was_shown_is_another_one(operator):
    pause()
    seen = seen_in(page_of(operator, address("resume")))
    queues.resume(connection, "default")
    assert "it was not paused any more" in resume_as_seen(operator, seen)
    pause(reason="another trouble")
    assert "its pause has changed since you looked at it" in resume_as_seen(operator, seen)
    assert reads.is_paused(connection, "default")
    assert not Decision.objects.exists()


@pytest.mark.parametrize("seen", ["", "yesterday", "2026-01-01T00:00", "2026-99-01T00:00+00:00"])
def test_a_form_that_says_no_pause_resumes_none(operator, seen):
    pause()
    assert "which pause was meant" in resume_as_seen(operator, seen)
    assert reads.is_paused(connection, "default")


def resume_as_seen(client, seen: str) -> str:
    return client.post(address("resume"), {"why": "mended", "seen": seen}, follow=True).content.decode()


def test_what_is_not_paused_cannot_be_resumed(operator):
    assert "default is not paused" in operator.get(address("resume"), follow=True).content.decode()


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_a_queue_that_nobody_declared_is_not_found(operator, verb):
    assert operator.get(address(verb, "nowhere")).status_code == 404


def test_the_command_line_keeps_the_same_trail():
    call_command("jobs", "pause", "default", "--reason", "vendor is down")
    call_command("jobs", "resume", "default", "--reason", "it is back")
    call_command("jobs", "resume", "default")
    assert list(Decision.objects.order_by("id").values_list("action", "queue", "why")) == [
        ("pause", "default", "vendor is down"),
        ("resume", "default", "it is back"),
    ]
