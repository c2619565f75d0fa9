"""Each line that the package logs has a name, and each name stands in the documents."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jobs import log_events

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "observing.md"
LOUD = {f"logger.{how}" for how in ("debug", "info", "warning", "error", "exception", "critical", "log")}


def lines() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "jobs").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in LOUD:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_line_that_is_logged_names_its_event() -> None:
    unnamed = []
    for place, call in lines():
        named = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg == "extra"]
        if not named or not named[0].startswith("log_events."):
            unnamed.append(place)
    assert not unnamed, "give them extra=log_events.…"


def test_the_document_lists_the_events_that_there_are() -> None:
    listed = DOCUMENT.read_text().split("<!-- events -->")[1].split("<!-- /events -->")[0]
    rows = [f"| `{name}` | {meaning} |" for name, meaning in log_events.TABLE.items()]
    assert listed.strip().splitlines()[2:] == rows, "\n".join(rows)
