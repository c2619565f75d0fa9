"""DESIGN.md shows the state machine that runs."""

from pathlib import Path

from jobs.cli.design import markdown

DESIGN = Path(__file__).resolve().parents[2] / "DESIGN.md"


def test_the_design_shows_the_arrows_that_the_code_has() -> None:
    printed = DESIGN.read_text().split("<!-- arrows -->")[1].split("<!-- /arrows -->")[0].strip()
    assert printed == markdown(), "run `manage.py jobs design` and put its output into DESIGN.md"
