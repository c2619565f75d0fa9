"""How Debian's packages get here, and what a run says of what failed before pytest."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import run
from tests.servers import debian


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "policy-rc.d"
    monkeypatch.setattr(debian, "POLICY", path)
    return path


def test_no_service_is_started_while_packages_are_installed(policy: Path) -> None:
    with debian.nothing_starts():
        assert subprocess.run([policy]).returncode == 101
    assert not policy.exists()


def test_the_policy_goes_also_when_the_installation_fails(policy: Path) -> None:
    with pytest.raises(RuntimeError), debian.nothing_starts():
        raise RuntimeError
    assert not policy.exists()


def test_a_policy_of_the_machines_own_is_left_alone(policy: Path) -> None:
    policy.write_text("the machine's own")
    with debian.nothing_starts():
        assert policy.read_text() == "the machine's own"
    assert policy.read_text() == "the machine's own"


def test_who_is_not_root_installs_nothing_and_is_told_nothing_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(debian, "missing", lambda: ["postgresql"])
    monkeypatch.setattr(debian, "install", lambda _packages: pytest.fail("installed without the right to"))
    assert run.servers() == []


def test_a_failed_check_is_named_and_its_words_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    note = run.check("the check", (sys.executable, "-c", "print('its words'); raise SystemExit(1)"))
    assert note.startswith("failed: ")
    assert "its words" in capsys.readouterr().out


def test_a_check_that_is_fine_says_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.check("the check", (sys.executable, "-c", "print('its words')")) == ""
    assert capsys.readouterr().out.startswith("test: the check: fine")


@pytest.mark.parametrize("code", [0, 1])
def test_a_failed_check_fails_the_run_whatever_pytest_says(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(run, "servers", list)
    monkeypatch.setattr(run, "check", lambda name, _command: f"failed: {name}")
    monkeypatch.setattr(pytest, "main", lambda _arguments: code)
    monkeypatch.setenv("JOBS_TEST_NOTES", "")
    assert run.main([]) == 1


def test_with_arguments_only_pytest_runs_and_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    monkeypatch.setattr(run, "servers", list)
    monkeypatch.setattr(run, "check", lambda *_: pytest.fail("a check ran"))
    monkeypatch.setattr(pytest, "main", lambda arguments: given.extend(arguments) or 0)
    monkeypatch.setenv("JOBS_TEST_NOTES", "")
    assert run.main(["tests/servers", "-x"]) == 0
    assert given == ["tests/servers", "-x"]
