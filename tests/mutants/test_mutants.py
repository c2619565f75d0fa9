"""Each guard is taken out of a copy of the code, and the test that is named for it must fail there."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from django.conf import settings
from django.db import connections

from tests.mutants.guards import MUTANTS, Mutant
from tests.processes import ROOT
from tests.servers.session import with_database

COPIED = ("pyproject.toml", "manage.py", "config", "jobs", "billing_sync", "idempotency", "tests")
TEST_FAILED = 1  # pytest's exit code; an error of collection or of usage has another
CHANCES = 5  # runs of a killer: where the guard holds off a race, the race may not be lost each time


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code, to cut in."""
    place = tmp_path_factory.mktemp("mutants")
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, place)
    return place


@pytest.fixture
def own_database(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[str]:
    """The address of a database of its own: a copy of this process's, or none yet where a migration is the mutant."""
    server, name = os.environ["DATABASE_URL"], f"mutant_{uuid4().hex[:8]}"
    with psycopg.connect(with_database(server, "postgres"), autocommit=True) as connection:
        if "migrations" not in request.getfixturevalue("mutant").file:
            connections.close_all()  # a template must have no visitors
            connection.execute(f'CREATE DATABASE test_{name} TEMPLATE "{settings.DATABASES["default"]["NAME"]}"')
        yield with_database(server, name)
        connection.execute(f"DROP DATABASE IF EXISTS test_{name} WITH (FORCE)")


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_without_the_guard_its_test_fails(mutant: Mutant, copy: Path, own_database: str) -> None:
    path = copy / mutant.file
    whole = path.read_text()
    assert mutant.old in whole, f"{mutant.file} has changed: say anew what the mutant takes out"
    _write(path, whole.replace(mutant.old, mutant.new))
    try:
        for _ in range(CHANCES):
            done = _run(mutant.killer, copy, own_database)
            if done.returncode:
                break
    finally:
        _write(path, whole)
    summary = done.stdout.splitlines()[-1]
    assert done.returncode == TEST_FAILED, f"the mutant lives: {summary}\n{done.stdout[-4000:]}{done.stderr[-2000:]}"
    assert "failed" in summary, f"not the test failed but something around it: {summary}\n{done.stdout[-4000:]}"


def _write(path: Path, text: str) -> None:
    """With a time that no compiled file can have: Python compares whole seconds."""
    before = path.stat().st_mtime
    path.write_text(text)
    os.utime(path, (before + 2, before + 2))


def _run(killer: str, copy: Path, database: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment.pop("BROKER_URL", None)
    environment |= {"DATABASE_URL": database, "TESTS_PATIENCE": "1"}  # it is to fail
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", killer]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True)
