"""The overview, as an operator looks at it and pauses a queue."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.screens import look_at
from tests.browser.test_admin import operator_page  # noqa: F401 - a fixture
from tests.busy_day import a_busy_day, reference_settings
from tests.review import an_inbox

pytestmark = pytest.mark.usefixtures("operator_page")


def test_one_page_tells_how_everything_stands(page: Page, live_server: LiveServer, tmp_path, settings) -> None:
    reference_settings(settings)
    an_inbox()
    a_busy_day()
    page.goto(f"{live_server.url}/admin/jobs/overview/")
    expect(page.get_by_role("status")).to_contain_text("billing-sync is paused since")
    expect(page.get_by_role("status")).to_contain_text("1,204 jobs wait")
    look_at(page, "overview", tmp_path)
    page.get_by_role("link", name="Pause default").click()
    look_at(page, "pause", tmp_path)
    page.goto(f"{live_server.url}/admin/jobs/overview/resume/billing-sync/")
    look_at(page, "resume", tmp_path)
