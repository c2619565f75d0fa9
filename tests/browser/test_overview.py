"""The overview, as an operator looks at it and pauses a queue."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from billing_sync.models import Invoice
from billing_sync.tasks import SyncInvoice, email_invoice
from idempotency import queues, transitions
from idempotency.claims import Claimed
from idempotency.states import Reason
from jobs import pulses
from jobs.admin import overview
from jobs.metrics import measuring
from jobs.metrics import snapshot as metrics
from jobs.metrics.calls import NAME as VENDOR_CALLS
from jobs.metrics.measuring import Sums
from jobs.schedules.statements import run
from tests.billing_sync.files import line
from tests.billing_sync.importing import import_lines
from tests.browser.screens import look_at
from tests.browser.test_admin import operator_page  # noqa: F401 - a fixture
from tests.busy_day import a_busy_day, reference_settings
from tests.review import an_inbox, given_up, take

pytestmark = pytest.mark.usefixtures("operator_page")
PAGE = "/admin/jobs/overview/"


@pytest.fixture(autouse=True)
def four_queues(settings):
    reference_settings(settings)


def test_one_page_tells_how_everything_stands(page: Page, live_server: LiveServer, settings, tmp_path) -> None:
    settings.JOBS_RUNBOOKS = "https://runbooks.example/"
    an_inbox()
    a_busy_day()
    ledgerly_answers()
    page.goto(live_server.url + PAGE)
    expect(page.get_by_role("status")).to_contain_text("billing-sync is paused since")
    expect(page.get_by_role("status")).to_contain_text("1,204 jobs wait")
    runbook = page.get_by_role("link", name="What to do about it: vendor-paused")
    expect(runbook).to_have_attribute("href", "https://runbooks.example/vendor-paused.md")
    expect(page.locator('[data-part="vendors"]')).to_contain_text("95 % of its calls take 375 ms at most")
    look_at(page, "overview", tmp_path)
    page.get_by_role("link", name="Pause default").click()
    look_at(page, "pause", tmp_path)
    page.goto(f"{live_server.url}{PAGE}resume/billing-sync/")
    look_at(page, "resume", tmp_path)


def test_an_open_page_renews_itself_and_nobody_loses_his_place(
    page: Page, live_server: LiveServer, monkeypatch
) -> None:
    monkeypatch.setattr(overview, "EVERY", 1)
    a_busy_day(waiting=3)
    page.goto(live_server.url + PAGE)
    page.evaluate("window.stays = true")
    page.get_by_text("As a table").click()
    page.get_by_role("link", name="Pause critical").focus()
    queues.pause(connection, "default", duration=None, reason="the importer is broken", by="ann")
    expect(page.get_by_role("status")).to_contain_text("default is paused since")
    expect(page.get_by_role("link", name="Resume default")).to_be_visible()
    expect(page.get_by_role("link", name="Pause critical")).to_be_focused()
    expect(page.get_by_role("table", name="Jobs by hour")).to_be_visible()
    assert page.evaluate("window.stays"), "it was not loaded anew"


def test_a_vendors_countdown_ticks(page: Page, live_server: LiveServer) -> None:
    a_busy_day(waiting=3)
    queues.resume(connection, "billing-sync")
    queues.pause(connection, "billing-sync", duration=timedelta(seconds=100), reason="429", by="w", vendor="ledgerly")
    page.goto(live_server.url + PAGE)
    countdown = page.locator(".countdown")
    expect(countdown).to_have_text(re.compile(r"^[89]\d s$"))
    first = countdown.inner_text()
    expect(countdown).not_to_have_text(first)


def test_without_javascript_all_of_it_is_there_and_can_be_done(browser: Browser, live_server: LiveServer) -> None:
    a_busy_day(waiting=3)
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(live_server.url + PAGE)
        page.get_by_label("Username").fill("operator")
        page.get_by_label("Password").fill("operator")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".countdown")).to_have_text("14 min")
        expect(page.locator("meta[http-equiv=refresh]")).to_have_attribute("content", "15")
        page.get_by_role("link", name="Pause default").click()
        page.get_by_label("Reason").fill("the importer is broken")
        page.get_by_role("button", name="Pause default").click()
        expect(page.get_by_role("status")).to_contain_text("default is paused since")


def test_an_invoice_tells_of_its_sync_and_its_mail(page: Page, live_server: LiveServer, tmp_path) -> None:
    import_lines(tmp_path, *(line(StockCode=f"8512{n}A", Quantity=str(n)) for n in range(1, 4)))
    invoice = Invoice.objects.get()
    payload = {"account_id": invoice.account.customer_id, "external_invoice_id": invoice.number, "revision": 1}
    succeed(take(SyncInvoice.enqueue(**payload)))
    given_up(email_invoice, reason=Reason.UNKNOWN_OUTCOME, invoice_id=invoice.pk, revision=1)
    page.goto(f"{live_server.url}/admin/billing_sync/invoice/{invoice.pk}/change/")
    jobs = page.get_by_role("table", name="Jobs")
    expect(jobs.get_by_role("row", name="SyncInvoice")).to_contain_text("succeeded")
    expect(jobs.get_by_role("row", name="email_invoice")).to_contain_text("unknown_outcome")
    look_at(page, "invoice", tmp_path)
    jobs.get_by_role("link", name="email_invoice").click()
    page.get_by_role("link", name=f"invoice {invoice.number}").click()
    expect(page).to_have_url(f"{live_server.url}/admin/billing_sync/invoice/{invoice.pk}/change/")


def ledgerly_answers() -> None:
    """A hundred calls of the last minutes, as workers have measured them; a relay and a beat are there."""
    pulses.beat(connection, pulses.RELAY, "app-1 7")
    run("report", name="beat@app-1", fired=0, clock_offset=0.0)
    sums = Sums()
    for n in range(100):
        sums.observe(VENDOR_CALLS, 0.2 if n < 90 else 0.4, "ledgerly", "ok")
    measuring.add(connection, sums)
    metrics.newest(connection, fresh=timedelta(0))


def succeed(claimed: Claimed) -> None:
    transitions.succeed(connection, [claimed], ['{"vendor_id": "L-1"}'])
