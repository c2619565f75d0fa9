"""A real browser: Debian's Chromium, driven by Playwright against Django's live server."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.servers.session import require

# Root has no sandbox, a container little shared memory, and a fresh machine no certificates for QUIC.
OPTIONS = ["--disable-dev-shm-usage", "--disable-quic", "--no-first-run"]
PATIENCE = 60_000  # milliseconds
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A running Chromium. While it runs, Django takes this thread for an asynchronous one, which it is not."""
    program = require("chromium")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS, timeout=2 * PATIENCE)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser that has never been anywhere."""
    with browser.new_context() as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        yield page
