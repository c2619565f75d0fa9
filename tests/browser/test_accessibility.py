"""Every page of ours, looked at by axe-core in both colour schemes; and the way over them without a mouse."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.urls import reverse
from django_celery_beat.models import PeriodicTask
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from billing_sync.models import Invoice
from billing_sync.tasks import SyncInvoice
from idempotency import reads
from idempotency.models import Record
from jobs.models import Decision
from tests.billing_sync.files import line
from tests.billing_sync.importing import import_lines
from tests.browser.test_admin import operator_page  # noqa: F401 - a fixture
from tests.busy_day import a_busy_day, reference_settings
from tests.review import address, an_inbox, invoice

pytestmark = pytest.mark.usefixtures("operator_page")
# The form is Django's own: its label is a picture.
LOOK = """async (rules) => (await axe.run({exclude: ["#changelist-search"]}, rules)).violations
    .filter(found => ["serious", "critical"].includes(found.impact))
    .map(found => `${found.impact} ${found.id}: ` + found.nodes.map(node => node.html.slice(0, 200)).join(" | "))"""
# Another scheme changes nothing but colours.
RULES: dict[str, dict[str, Any]] = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}


def violations(page: Page) -> list[str]:
    """What axe finds on the page as it is, in both schemes."""
    page.evaluate(Axe().axe_script)
    page.add_style_tag(content="* { transition: none !important; }")  # or a colour may be caught on its way
    found = []
    for scheme, rules in RULES.items():
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{page.url}, {scheme}: {violation}" for violation in page.evaluate(LOOK, rules)]
    return found


def a_whole_project(tmp_path) -> list[str]:
    """Something of everything; returns the addresses of all pages."""
    import_lines(tmp_path, line(StockCode="85123A"))
    bill = Invoice.objects.get()
    SyncInvoice.enqueue(account_id=bill.account.customer_id, external_invoice_id=bill.number, revision=1)
    an_inbox()
    dead = invoice(1, "ConnectTimeout: the vendor did not answer within 10 s")
    a_busy_day(waiting=20)
    incident = {name: reverse(f"admin:jobs_deadletter_{name}", args=[dead.incident])
                for name in ("incident", "assign", "comment")}  # fmt: skip
    waiting = Record.objects.filter(state="queued").first()
    lists = (
        "jobs_overview",
        "jobs_deadletter",
        "jobs_worker",
        "jobs_bulkreplay",
        "jobs_schedules_tick",
        "jobs_schedules_beat",
        "idempotency_record",
        "idempotency_queue",
    )
    return [
        *(reverse(f"admin:{name}_changelist") for name in lists),
        reverse("admin:jobs_overview_metrics"),
        reverse("admin:jobs_overview_pause", args=["default"]),
        reverse("admin:jobs_overview_resume", args=["billing-sync"]),
        reverse("admin:jobs_overview_metrics"),
        reverse("admin:jobs_schedules_backfill", args=[PeriodicTask.objects.earliest("id").pk]),
        *incident.values(),
        *(address(dead, decision) for decision in ("", "replay", "correct", "discard", "comment")),
        address(waiting),
        address(waiting, "cancel"),
        f"/admin/billing_sync/invoice/{bill.pk}/change/",
    ]


def test_no_page_keeps_anybody_out(page: Page, live_server: LiveServer, tmp_path, settings) -> None:
    reference_settings(settings)
    found = []
    for place in a_whole_project(tmp_path):
        answer = page.goto(live_server.url + place)
        assert answer is not None
        assert answer.ok, place
        found += violations(page)
    assert not found, "\n".join(found)


def test_no_page_of_a_bulk_replay_keeps_anybody_out(page: Page, live_server: LiveServer) -> None:
    an_inbox()
    page.goto(f"{live_server.url}/admin/jobs/deadletter/")
    page.get_by_role("button", name="Replay all of these …").click()
    expect(page.get_by_role("heading", name="Replay of 23 jobs?")).to_be_visible()
    found = violations(page)
    page.get_by_label("Reason").fill("the vendor is back")
    page.get_by_role("button", name="Start with the canary").click()
    expect(page.get_by_role("status")).to_be_visible()
    found += violations(page)
    page.get_by_role("link", name="Pause …").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    found += violations(page)
    page.goto(f"{live_server.url}/admin/jobs/overview/")
    expect(page.get_by_role("list", name="Bulk replays")).to_contain_text("20 left")
    page.get_by_role("list", name="Bulk replays").get_by_role("link").click()
    expect(page.get_by_role("link", name="Pause …")).to_be_visible()
    assert not found, "\n".join(found)


def test_axe_finds_what_is_wrong(page: Page, live_server: LiveServer) -> None:
    page.goto(f"{live_server.url}/admin/jobs/overview/")
    page.evaluate("document.querySelector('#content').insertAdjacentHTML('beforeend', '<img src=x><a href=y></a>')")
    assert {found.split(": ")[1].split()[1] for found in violations(page)} == {"image-alt", "link-name"}


def tab_to(page: Page, wanted: Callable[[Any], bool]) -> None:
    """Press Tab until what has the focus is what is wanted, as someone does who has no mouse."""
    for _ in range(200):
        page.keyboard.press("Tab")
        if wanted(page.evaluate("document.activeElement.innerText || document.activeElement.value || ''")):
            return
    raise AssertionError("it cannot be reached with the keyboard")


def test_a_queue_is_paused_and_resumed_without_a_mouse(
    page: Page, live_server: LiveServer, settings, transactional_db
) -> None:
    from django.db import connection

    reference_settings(settings)
    a_busy_day(waiting=3)
    page.goto(f"{live_server.url}/admin/jobs/overview/")
    tab_to(page, lambda text: text.startswith("Pause") and "default" in text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Pause default?")).to_be_visible()
    page.keyboard.type("the importer is broken")  # the reason has the focus already
    tab_to(page, lambda text: text == "Pause default")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Done: default is paused.")).to_be_visible()
    assert reads.is_paused(connection, "default")
    tab_to(page, lambda text: text.startswith("Resume") and "default" in text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Resume default?")).to_be_visible()
    page.keyboard.type("it is mended")
    tab_to(page, lambda text: text == "Resume default")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Done: default goes on.")).to_be_visible()
    assert not reads.is_paused(connection, "default")
    assert [d.why for d in Decision.objects.order_by("id")] == ["the importer is broken", "it is mended"]
