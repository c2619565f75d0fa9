"""Pythons beside the one that runs the tests."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import which

NAMES = ("python3.14", "python3.13", "python3.12")
# Where pyenv and uv keep what is not on PATH.
KEPT = (".pyenv/versions/3.*/bin/python3", ".local/share/uv/python/cpython-3.*/bin/python3")
ASK = "import sys, venv, ensurepip; print(*sys.version_info[:2])"


def newest(at_least: tuple[int, int]) -> Path | None:
    """The newest one that can make an environment; None, there is none of that version."""
    versions = {python: version for python in _candidates() if (version := _version(python)) >= at_least}
    return max(versions, key=lambda python: versions[python], default=None)


def _candidates() -> Iterator[Path]:
    yield from (Path(found) for name in NAMES if (found := which(name)))
    for pattern in KEPT:
        yield from Path.home().glob(pattern)


def _version(python: Path) -> tuple[int, ...]:
    """Empty for a name that starts nothing: pyenv's shims exist for versions that are not selected."""
    asked = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=False)
    return tuple(map(int, asked.stdout.split())) if asked.returncode == 0 else ()
