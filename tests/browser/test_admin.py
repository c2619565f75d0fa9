"""Operators' pages, as an operator meets them."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer


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
