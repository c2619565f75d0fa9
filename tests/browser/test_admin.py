"""Operators' pages, as an operator meets them."""

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from idempotency.models import Record
from tests.app.tasks import Echo, FailForGood
from tests.processes import Program, wait_until


@pytest.fixture
def operator_page(page: Page, live_server: LiveServer) -> Page:
    """The admin's first page, logged in."""
    get_user_model().objects.create_superuser("operator", "operator@example.com", "operator")
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("operator")
    page.get_by_label("Password").fill("operator")
    page.get_by_role("button", name="Log in").click()
    return page


def test_an_operator_logs_in_to_the_admin(operator_page: Page) -> None:
    expect(operator_page.get_by_role("heading", name="Site administration")).to_be_visible()


def test_an_operator_finds_a_failed_job_with_what_was_asked_and_why_it_failed(
    operator_page: Page, live_server: LiveServer, spawn_worker: Callable[..., Program]
) -> None:
    job = FailForGood.enqueue(name="INV-42")
    spawn_worker("default")
    wait_until(Record.objects.filter(id=job.id, state="failed_permanent").exists)
    operator_page.goto(f"{live_server.url}/admin/idempotency/record/?q={job.id}")
    operator_page.get_by_role("link", name=str(job.id)).click()
    page = operator_page.locator("#content")
    expect(page).to_contain_text("failed_permanent")
    expect(page).to_contain_text("INV-42 can never succeed")
    expect(page).to_contain_text('"name": "INV-42"')


def test_an_operator_cannot_change_a_record_behind_the_machines_back(
    operator_page: Page, live_server: LiveServer
) -> None:
    job = Echo.enqueue(value="untouched")
    operator_page.goto(f"{live_server.url}/admin/idempotency/record/{job.id}/change/")
    expect(operator_page.get_by_role("heading", name=str(job.id))).to_be_visible()
    expect(operator_page.get_by_role("button", name="Save")).to_have_count(0)
    expect(operator_page.get_by_role("link", name="Delete")).to_have_count(0)
