"""A virtual environment per peer, kept between runs below the user's cache directory."""

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "idempotent-jobs-peers"


def python_of(name: str, requirements: Sequence[str]) -> Path:
    """The interpreter of an environment that holds these requirements; made where it is missing.

    The registry is whichever pip and uv are configured for on this machine.

    Raises:
        subprocess.CalledProcessError: a requirement could not be installed; pip's own words have been printed.
    """
    digest = sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:12]
    place = CACHE / f"{name}-{digest}"
    python = place / "bin" / "python"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        _make(place, python, requirements)
        (place / "complete").touch()
    return python


def _make(place: Path, python: Path, requirements: Sequence[str]) -> None:
    uv = shutil.which("uv")
    venv.create(place, with_pip=uv is None)
    pip = [uv, "pip", "install", "-q", "--python", python] if uv else [python, "-m", "pip", "install", "-qq"]
    subprocess.run([*pip, *requirements], check=True, stdout=sys.stderr)


def versions_of(python: Path, packages: Sequence[str]) -> dict[str, str]:
    """What is really installed there."""
    ask = "import sys, importlib.metadata as m; print(*map(m.version, sys.argv[1:]), sep='\\n')"
    told = subprocess.run([python, "-c", ask, *packages], check=True, capture_output=True, text=True).stdout
    return dict(zip(packages, told.split(), strict=True))
