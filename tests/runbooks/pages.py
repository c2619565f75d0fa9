"""A runbook as text: its title, the alerts that link to it, and its fences, section by section."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.processes import ROOT

FOLDER = ROOT / "runbooks"
SECTIONS = ("First 60 seconds", "Diagnose", "Mitigate", "Verify", "Escalate", "Why")
STEP = re.compile(r"^## ([^\n]+)$|^ *```sh (\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^ *```sh (\w+)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    path: Path
    text: str

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def alerts(self) -> list[str]:
        found = re.search(r"^severity: \w+ · alert: (.+)$", self.text, re.MULTILINE)
        return found[1].split(", ") if found else []

    @property
    def is_procedure(self) -> bool:
        return "\nprocedure\n" in self.text

    @property
    def headings(self) -> list[str]:
        return re.findall(r"^## (.+)$", self.text, re.MULTILINE)

    def section(self, heading: str) -> str:
        found = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", self.text, re.MULTILINE | re.DOTALL)
        return found[1] if found else ""

    def steps(self) -> list[tuple[str, str]]:
        """(section, command) of every command that is executed, in the page's order."""
        found, section = [], ""
        for heading, kind, commands in STEP.findall(self.text):
            section = heading or section
            if kind == "run":
                found += [(section, line.strip()) for line in commands.splitlines() if line.strip()]
        return found

    def commands(self) -> list[tuple[str, str]]:
        """(kind, command) of all fences."""
        return [(kind, line.strip()) for kind, text in FENCE.findall(self.text) for line in text.splitlines() if line]


def pages() -> list[Page]:
    return [Page(path, path.read_text()) for path in sorted(FOLDER.glob("*.md")) if path.name != "README.md"]
