"""Runbooks, README and deployment notes name only commands that exist."""

import re
from pathlib import Path

import pytest
from django.core.management import CommandError, get_commands, load_command_class

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "runbooks").glob("*.md")), *sorted((ROOT / "deploy").glob("*.md"))]
COMMAND = re.compile(r"^(?: {4,})?manage\.py jobs ([^#\n]+)", re.MULTILINE)  # indented, or in a fence


def commands() -> list[tuple[str, str]]:
    return [(page.name, found.strip()) for page in PAGES for found in COMMAND.findall(page.read_text())]


def test_runbooks_tell_commands() -> None:
    assert len(commands()) > 10


@pytest.mark.parametrize(("page", "command"), commands())
def test_a_documented_command_is_accepted_by_its_parser(page: str, command: str) -> None:
    words = re.findall(r'"([^"]*)"|(\S+)', command)
    parser = load_command_class(get_commands()["jobs"], "jobs").create_parser("manage.py", "jobs")
    try:
        parser.parse_args([quoted or plain for quoted, plain in words])
    except CommandError as error:
        pytest.fail(f"{page}: `manage.py jobs {command}`: {error}")


def test_every_page_that_a_runbook_links_to_exists() -> None:
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([\w./-]+)\)", page.read_text())]
    assert links
    assert [link for page, link in links if not (page.parent / link).exists()] == []


def test_every_setting_is_in_the_readme() -> None:
    known = set(re.findall(r'_get\("(\w+)"', (ROOT / "jobs" / "conf.py").read_text()))
    told = set(re.findall(r"\| `JOBS_(\w+)` \|", (ROOT / "README.md").read_text()))
    assert known == told
