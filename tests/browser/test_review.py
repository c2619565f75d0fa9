"""Review, as a person clicks it."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.screens import look_at
from tests.browser.test_admin import operator_page  # noqa: F401 - a fixture
from tests.review import address, an_inbox, grow_old, invoice

pytestmark = pytest.mark.usefixtures("operator_page")


def test_an_operator_sees_the_causes_of_a_bad_morning(page: Page, live_server: LiveServer, tmp_path) -> None:
    for n, record in enumerate(an_inbox()):
        grow_old(record, timedelta(minutes=23 * n))
    page.goto(f"{live_server.url}/admin/jobs/deadletter/")
    expect(page.locator("#incidents tbody tr")).to_have_count(4)
    look_at(page, "inbox", tmp_path)
    page.get_by_role("link", name="ConnectTimeout").click()
    look_at(page, "incident", tmp_path)


def test_one_job(page: Page, live_server: LiveServer, tmp_path) -> None:
    record = invoice(1, "ConnectTimeout: the vendor did not answer within 10 s")
    page.goto(live_server.url + address(record))
    look_at(page, "job", tmp_path)
    page.goto(live_server.url + address(record, "replay"))
    look_at(page, "replay", tmp_path)
    page.goto(live_server.url + address(record, "correct"))
    look_at(page, "correct", tmp_path)
