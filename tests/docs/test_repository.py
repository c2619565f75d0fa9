"""What must never be in the repository, and how small its functions are."""

import ast
import configparser
import os
import re
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEVER_LOOKED_AT = {".git", ".venv", "var", "dist", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
# Written in pieces, or this file would be the first to break its own rule.
PUBLIC_REGISTRIES = {".".join(parts) for parts in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org")]}
LONGEST_FUNCTION = 40  # lines; what does not fit one screen has two reasons to exist
MEDIAN_FUNCTION = 10


def files() -> list[Path]:
    """Everything that is committed or would be; where git is missing, everything that was cloned."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        return [path for path in ROOT.rglob("*") if path.is_file() and not NEVER_LOOKED_AT & set(path.parts)]
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def this_machines_registries() -> set[str]:
    """The hosts that pip and apt were told of on this machine: the likeliest to slip into a lock."""
    urls = [value for name, value in os.environ.items() if name.startswith(("PIP_", "UV_"))]
    for path in (Path("/etc/pip.conf"), Path.home() / ".config/pip/pip.conf", Path.home() / ".pip/pip.conf"):
        settings = configparser.RawConfigParser(strict=False)
        settings.read(path)
        urls += [value for section in settings.sections() for _, value in settings.items(section)]
    for path in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*.sources")]:
        urls += re.findall(r"https?://\S+", path.read_text()) if path.is_file() else []
    hosts = {urlsplit(word).hostname for url in urls for word in url.split()}
    return {host for host in hosts if host and host not in {"localhost", "127.0.0.1"}}


def functions() -> Iterator[tuple[str, int]]:
    for package in ("jobs", "idempotency"):
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    assert node.end_lineno
                    yield f"{path.relative_to(ROOT)}:{node.lineno} {node.name}", node.end_lineno - node.lineno + 1


def test_no_file_names_a_package_registry() -> None:
    hosts = PUBLIC_REGISTRIES | this_machines_registries()
    named = {}
    for path in files():
        text = path.read_bytes().decode(errors="ignore")
        found = [host for host in hosts if host in text]
        if found:
            named[str(path.relative_to(ROOT))] = found
    assert not named


def test_locks_carry_hashes_and_no_addresses() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert locks
    for lock in locks:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert not re.search(r"://|--(extra-)?index-url|--find-links", text), lock.name
    assert ROOT / "uv.lock" not in files()


def test_no_function_is_longer_than_a_screen() -> None:
    lengths = dict(functions())
    too_long = {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}
    assert not too_long
    assert statistics.median(lengths.values()) <= MEDIAN_FUNCTION


def test_no_test_sleeps_without_saying_why() -> None:
    """A sleep is a guess; `wait_until` says what it waits for. Where time itself is the input, the line says so."""
    sleep = re.compile(r"(?<![\w.])(?:time\.)?sleep\([^#]*$")
    allowed = {"processes.py", "janitor.py", "tasks.py", "test_repository.py"}
    tests = [path for path in files() if path.suffix == ".py" and (ROOT / "tests") in path.parents]
    tests = [path for path in tests if "benchmarks" not in path.parts]  # they wait for a clock, which is their business
    sleeping = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in tests
        if path.name not in allowed
        for line in path.read_text().splitlines()
        if sleep.search(line)
    ]
    assert not sleeping


@pytest.mark.parametrize("name", ["bin/demo", "bin/test", ".ci/run"])
def test_the_commands_are_executable_shell_that_any_sh_understands(name: str) -> None:
    path = ROOT / name
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/bin/sh\n")
    subprocess.run(["sh", "-n", path], check=True)
