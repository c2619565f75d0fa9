"""The README's promises name the tests that prove them; a promise without a living test fails here."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
HEADING = re.compile(r"what happens when", re.IGNORECASE)
PROOF = re.compile(r"`(tests/[\w/.-]+\.py(?:::\w+)+)(?:\[[^`]*\])?`")


def rows() -> list[str]:
    """The body of the table under "What happens when…", one string per row."""
    lines = README.read_text().splitlines()
    start = next((n for n, line in enumerate(lines) if HEADING.search(line)), len(lines))
    table = []
    for line in lines[start:]:
        if line.lstrip().startswith("|"):
            table.append(line)
        elif table:
            break
    return table[2:]  # the column names and the rule under them


def exists(proof: str) -> bool:
    """Whether `tests/file.py::name` or `tests/file.py::Class::name` is defined."""
    name, *path = proof.split("::")
    file = ROOT / name
    if not file.is_file():
        return False
    body = ast.parse(file.read_text()).body
    for step in path:
        nodes = [n for n in body if isinstance(n, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)]
        body = next((n.body for n in nodes if n.name == step), [])
    return bool(body)


def test_the_first_screen_has_a_sentence_code_and_the_table_of_what_happens() -> None:
    lines = README.read_text().splitlines()
    assert any(line.startswith("```") for line in lines[:30]), "no code before line 30"
    assert rows(), 'no table under "What happens when…"'


def test_every_row_of_what_happens_when_names_a_test_that_exists() -> None:
    unproven = []
    for row in rows():
        last_cell = row.strip().strip("|").split("|")[-1]
        proofs = PROOF.findall(last_cell)
        if not proofs or not all(map(exists, proofs)):
            unproven.append(row)
    assert not unproven, "rows whose last column names no existing test:\n" + "\n".join(unproven)


DOCUMENTS = (README, ROOT / "DESIGN.md", ROOT / "CHANGELOG.md", *sorted(ROOT.glob("docs/*.md")))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_named_anywhere_in_a_document_exists(document: Path) -> None:
    gone = [proof for proof in PROOF.findall(document.read_text()) if not exists(proof)]
    assert not gone


@pytest.mark.parametrize("proof", ["tests/docs/test_readme.py::no_such_test", "tests/no_such_file.py::test_it"])
def test_a_named_test_that_does_not_exist_is_noticed(proof: str) -> None:
    assert not exists(proof)
    assert exists("tests/docs/test_readme.py::test_a_named_test_that_does_not_exist_is_noticed")
