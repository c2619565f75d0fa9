"""Screenshots of our pages: in both sizes and both colour schemes, and what must hold on each."""

import os
from pathlib import Path

from playwright.sync_api import Page

KEPT = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SHOWN = {"overview", "inbox", "job", "bulk-running"}  # by README.md
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def look_at(page: Page, name: str, tmp_path: Path) -> None:
    """Take the page's four pictures; with TESTS_KEEP_SCREENSHOTS=1 those of pages that documents show are kept.

    With TESTS_WHOLE_PAGES=1 they show the page down to its end.
    """
    whole = os.environ.get("TESTS_WHOLE_PAGES") == "1"
    keep = os.environ.get("TESTS_KEEP_SCREENSHOTS") == "1"
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            place = KEPT if keep and name in SHOWN else tmp_path
            page.screenshot(path=place / f"{name}-{size}-{scheme}.png", animations="disabled", full_page=whole)
        assert page.evaluate(OVERFLOW) <= 0, f"{name} is wider than {width} pixels"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.emulate_media(color_scheme="light")
