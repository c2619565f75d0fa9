"""What a person does about given-up jobs, from the inbox to the end, with the mouse and with the keyboard alone."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from idempotency.claims import Problem
from idempotency.models import Record
from idempotency.states import Reason
from jobs.models import BulkReplay, Decision
from tests.app.tasks import Letter, Mark, MarkAlone
from tests.browser.screens import look_at
from tests.browser.test_admin import operator_page  # noqa: F401 - a fixture
from tests.bulk import begun, many_given_up, run_all, step
from tests.processes import Program
from tests.review import address, given_up, person

pytestmark = pytest.mark.usefixtures("operator_page")
INBOX = "/admin/jobs/deadletter/"
MANY = 60


def letter(name: str = "INV-1") -> Record:
    problem = Problem("ValueError", "there is no Mian Street", traceback="Traceback …")
    return given_up(Letter, problem, Reason.PERMANENT, name=name, text="Mian Street", password="hunter2")


def confirm(page: Page, why: str, button: str) -> None:
    page.get_by_label("Reason").fill(why)
    page.get_by_role("button", name=button, exact=True).click()


def said(page: Page) -> Locator:
    return page.locator(".messagelist")


def tab_to(page: Page, name: str, *, most: int = 150) -> None:
    """Press Tab until the element with this text, value or label has the focus."""
    told = "(e => [e.innerText, e.value, e.labels?.[0]?.innerText, e.getAttribute('aria-label')].join('|'))"
    for _ in range(most):
        page.keyboard.press("Tab")
        if name in page.evaluate(f"{told}(document.activeElement)"):
            return
    raise AssertionError(f"no way to {name!r} by keyboard")


def test_from_the_inbox_to_a_replay(page: Page, live_server: LiveServer) -> None:
    record = letter()
    page.goto(live_server.url + INBOX)
    page.get_by_role("link", name="ValueError").click()
    page.get_by_role("link", name=str(record.id)).click()
    expect(page.locator(".verdict")).to_contain_text("look first")
    page.get_by_role("link", name="Replay …").click()
    page.get_by_role("button", name="Replay", exact=True).click()
    expect(page.get_by_role("heading", name="Replay?")).to_be_visible()  # it asks why, and does nothing
    confirm(page, "the street is there now", "Replay")
    expect(said(page)).to_contain_text("Done: replayed.")
    expect(page.locator(".timeline")).to_contain_text("the street is there now")
    assert Record.objects.get().state == "queued"


def test_a_replay_with_a_corrected_payload(page: Page, live_server: LiveServer, tmp_path) -> None:
    page.goto(live_server.url + address(letter()))
    page.get_by_role("link", name="Replay with a corrected payload …").click()
    expect(page.get_by_label("name", exact=True)).to_be_disabled()
    page.get_by_label("text", exact=True).fill("Main Street")
    confirm(page, "a typo", "Show what changes")
    expect(page.locator("del")).to_have_text("Mian Street")
    expect(page.locator("ins")).to_have_text("Main Street")
    look_at(page, "difference", tmp_path)
    page.get_by_role("button", name="Replay with this payload").click()
    expect(said(page)).to_contain_text("runs in its place")
    page.locator("dl.facts a.mono").click()
    expect(page.get_by_label("Payload")).to_contain_text('"text": "Main Street"')
    expect(page.get_by_label("Payload")).not_to_contain_text("hunter2")


def test_discard_cancel_assign_and_comment(page: Page, live_server: LiveServer) -> None:
    record, waiting = letter(), Record.objects.get(id=Mark.enqueue(name="waits").id)
    person("view_record", name="bob")
    page.goto(f"{live_server.url}{INBOX}incident/{record.incident}/")
    page.get_by_role("link", name="Assign …").click()
    page.get_by_label("Looked after by").select_option("bob")
    confirm(page, "he knows streets", "Assign")
    expect(page.locator("#content")).to_contain_text("he knows streets")
    page.get_by_role("link", name="Comment …").click()
    page.get_by_label("Comment").fill("the register is down")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".timeline")).to_contain_text("the register is down")
    page.get_by_role("link", name=str(record.id)).first.click()
    page.get_by_role("link", name="Discard …").click()
    confirm(page, "a test account", "Discard")
    expect(said(page)).to_contain_text("Done: discarded.")
    page.goto(live_server.url + INBOX)
    expect(page.locator("#content")).to_contain_text("Nothing waits for a person.")
    page.goto(live_server.url + address(waiting))
    page.get_by_role("link", name="Cancel …").click()
    confirm(page, "the customer left", "Cancel")
    expect(said(page)).to_contain_text("Done: cancelled.")
    assert list(Decision.objects.order_by("id").values_list("action", flat=True)) == [
        "assign", "comment", "discard", "cancel",
    ]  # fmt: skip


def test_a_bulk_replay_from_its_preview_to_its_end(
    page: Page,
    live_server: LiveServer,
    spawn_worker: Callable[..., Program],
    spawn_relay: Callable[..., Program],
    tmp_path,
) -> None:
    many_given_up(MANY, causes=4)
    given_up(
        MarkAlone, Problem("SMTPServerDisconnected", "Connection unexpectedly closed"), Reason.UNKNOWN_OUTCOME, name="m"
    )
    page.goto(live_server.url + INBOX)
    page.get_by_role("button", name="Replay all of these …").click()
    expect(page.get_by_role("heading", name=f"Replay of {MANY + 1} jobs?")).to_be_visible()
    expect(page.locator("#groups tbody tr")).to_have_count(2)
    look_at(page, "bulk-preview", tmp_path)
    page.get_by_label("Canary").fill("4")
    page.get_by_label("Pace").fill("1")
    confirm(page, "the vendor is back", "Start with the canary")
    expect(said(page)).to_contain_text("the canary goes first")
    expect(page.get_by_role("status")).to_contain_text("0 of its 4 jobs have ended")
    spawn_relay()
    expect(page.locator(".tile", has_text="under way")).to_contain_text("4")
    page.get_by_role("link", name="Pause …").click()
    expect(page.locator("#content")).to_contain_text("No further job is sent until somebody resumes it.")
    confirm(page, "to look first", "Pause")
    expect(page.get_by_role("status")).to_contain_text("Paused by operator: to look first")
    look_at(page, "bulk-paused", tmp_path)
    page.get_by_role("link", name="Resume …").click()
    confirm(page, "all is well", "Resume")
    spawn_worker("default")
    expect(page.get_by_role("status")).to_contain_text("1 job a second")
    expect(page.locator(".tile", has_text="succeeded")).to_contain_text("7")
    look_at(page, "bulk-running", tmp_path)
    BulkReplay.objects.update(rate=500)  # nobody waits for a minute
    expect(page.get_by_role("status")).to_contain_text("Every job had its turn.")
    expect(page.locator(".tile", has_text="succeeded")).to_contain_text(str(MANY))
    expect(page.locator("#left")).to_contain_text("left out, likely wrong")
    look_at(page, "bulk-finished", tmp_path)
    page.get_by_role("link", name="Bulk replays").first.click()
    expect(page.locator("#bulks")).to_contain_text("finished")
    look_at(page, "bulk-replays", tmp_path)
    assert Record.objects.filter(state="succeeded").count() == MANY


def test_with_the_keyboard_alone(page: Page, live_server: LiveServer) -> None:
    record = letter()
    page.goto(live_server.url + INBOX)
    for link in ("ValueError", str(record.id), "Replay …"):
        tab_to(page, link)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    page.keyboard.type("the street is there now")  # the reason has the focus
    tab_to(page, "Replay")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("Done: replayed.")


def test_a_bulk_replay_that_stopped_is_resumed_from_its_page(
    page: Page, live_server: LiveServer, spawn_worker: Callable[..., Program], spawn_relay: Callable[..., Program]
) -> None:
    many_given_up(12)
    found = begun(canary=3, rate=500)
    step(found)
    run_all(failing=3)
    assert step(found) == "stopped"
    page.goto(f"{live_server.url}/admin/jobs/bulkreplay/{found.pk}/change/")
    expect(page.get_by_role("status")).to_contain_text("It stopped by itself: 3 of 3 jobs of the canary")
    page.get_by_role("link", name="Resume …").click()
    expect(page.locator("#content")).to_contain_text("a canary goes first again")
    confirm(page, "the street is known now", "Resume")
    expect(said(page)).to_contain_text("Done: it goes on.")
    spawn_relay()
    spawn_worker("default")
    expect(page.get_by_role("status")).to_contain_text("Every job had its turn.")
    expect(page.locator(".tile", has_text="succeeded")).to_contain_text("9")
    expect(page.locator(".tile", has_text="given up again")).to_contain_text("3")
    expect(page.locator("#content")).to_contain_text("the street is known now")


def test_a_bulk_replay_with_the_keyboard_alone(page: Page, live_server: LiveServer) -> None:
    many_given_up(5)
    page.goto(live_server.url + INBOX)
    tab_to(page, "Replay all of these")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Replay of 5 jobs?")).to_be_visible()
    tab_to(page, "Reason")
    page.keyboard.type("the vendor is back")
    tab_to(page, "Start with the canary")
    page.keyboard.press("Enter")
    expect(said(page)).to_contain_text("the canary goes first")
    tab_to(page, "Cancel …")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cancel?")).to_be_visible()
    page.keyboard.type("the wrong filter")
    tab_to(page, "Cancel")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Cancelled by operator: the wrong filter")
    assert BulkReplay.objects.get().state == "cancelled"


def test_a_bulk_replays_page_follows_it_without_javascript(
    browser: Browser, page: Page, live_server: LiveServer
) -> None:
    many_given_up(3)
    found = begun(canary=3)
    state = page.context.storage_state()
    with browser.new_context(java_script_enabled=False, storage_state=state) as plain:
        shown = plain.new_page()
        shown.goto(f"{live_server.url}/admin/jobs/bulkreplay/{found.pk}/change/")
        expect(shown.get_by_role("status")).to_contain_text("0 of its 3 jobs have ended")
        for _ in range(3):
            step(found)
            run_all()
        expect(shown.get_by_role("status")).to_contain_text("Every job had its turn.")
        expect(shown.locator(".tile", has_text="succeeded")).to_contain_text("3")
