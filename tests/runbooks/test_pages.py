"""Runbooks as text: one per alert, in one form, and every command is one that exists."""

import re
import shutil

import pytest

from jobs.metrics.alerts import alerts
from tests.runbooks.pages import FOLDER, SECTIONS, Page, pages
from tests.runbooks.scenarios import SCENARIOS

PAGES = pages()
LONGEST = 120  # lines: who was woken reads no more
TOOLS = {"manage.py", "redis-cli", "rabbitmqctl", "systemctl", "journalctl", "curl", "python", "pg_restore", "psql"}
TOOLS |= {"df", "du", "timedatectl"}
of_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def test_every_alert_has_a_runbook_and_every_runbook_an_alert_or_a_procedure():
    linked = {alert.name: alert.runbook for alert in alerts()}
    assert linked == {alert: page.name for page in PAGES for alert in page.alerts}
    assert [page.name for page in PAGES if bool(page.alerts) == page.is_procedure] == []


@of_page
def test_a_page_says_how_urgent_its_alert_is(page: Page):
    severities = {str(a.severity) for a in alerts() if a.runbook == page.name} - {"none"}
    severities = {"page"} if "page" in severities else severities
    assert set(re.findall(r"^severity: (\w+)", page.text, re.MULTILINE)) == severities


@of_page
def test_a_page_of_an_alert_has_all_sections_in_order(page: Page):
    if page.is_procedure:
        assert "Verify" in page.headings
    else:
        assert page.headings == list(SECTIONS)
        assert "**What people see now:**" in page.text
        assert "**Safe to wait until:**" in page.text
    assert len(page.text.splitlines()) <= LONGEST


@of_page
def test_every_section_in_which_something_is_done_has_a_command(page: Page):
    for heading in ("First 60 seconds", "Mitigate", "Verify"):
        if heading in page.headings:
            assert "```sh run" in page.section(heading), heading
    assert page.steps()


@of_page
def test_every_command_is_a_verb_or_a_standard_tool(page: Page):
    commands = page.commands()
    assert commands
    for kind, command in commands:
        assert kind in ("run", "show")
        assert command.split()[0] in TOOLS, command
        if kind == "run":
            assert "0198c5f2" not in command, "an id is somebody's own: mark it `show`"


@of_page
def test_a_mutating_command_for_many_is_looked_at_first_or_can_be_undone(page: Page):
    for _, command in page.commands():
        if re.search(r"jobs (pause|discard|replay) ", command):
            assert "--reason" in command or "--dry-run" in command
    mitigate = page.section("Mitigate")
    if "jobs pause" in mitigate or "jobs discard" in mitigate:
        assert re.search(r"[Uu]ndo", mitigate)
    paused = set(re.findall(r"jobs pause (\S+)", mitigate))
    assert paused <= set(re.findall(r"jobs resume (\S+)", mitigate))


def test_every_page_is_executed():
    assert set(SCENARIOS) == {page.name for page in PAGES}
    assert 2 < sum(scenario.fast for scenario in SCENARIOS.values()) < 6


def test_the_list_of_pages_names_each():
    listed = set(re.findall(r"\]\(([\w-]+)\.md\)", (FOLDER / "README.md").read_text()))
    assert listed == {page.name for page in PAGES}


def test_curl_is_here():
    assert shutil.which("curl")
