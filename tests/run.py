"""`bin/test`: servers, linters, types, import contracts, then pytest; whoever calls it sees pytest's summary last.

With arguments, only pytest runs, and gets them. What fails before pytest does not keep pytest from running; it is
named above the summary, and makes the exit code 1.
"""

import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import debian

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
CHECKS = {
    "ruff check": ("ruff", "check", "--quiet", "."),
    "ruff format": ("ruff", "format", "--check", "--quiet", "."),
    "mypy": ("mypy", "--no-error-summary"),
    "import contracts": ("lint-imports", "--no-logo"),
}
# More than half of a test is waiting for a program: three processes keep two cores busy, more would make each other
# late.
EVERYTHING = ("-n", "3", "--dist", "worksteal")


def main(arguments: list[str]) -> int:
    os.chdir(ROOT)
    os.environ.setdefault("DJANGO_SECRET_KEY", "for tests alone")
    notes = [*servers(), *(check(name, command) for name, command in CHECKS.items() if not arguments)]
    failures = [note for note in notes if note]
    os.environ["JOBS_TEST_NOTES"] = "\n".join(failures)
    code = pytest.main(arguments or [*EVERYTHING])
    return int(code) or bool(failures)


def servers() -> list[str]:
    """Install what is missing where that is allowed; elsewhere the tests that need it say so themselves."""
    wanted = debian.missing()
    if not wanted or not debian.may_install():
        return []
    say(f"apt-get install {' '.join(wanted)}")
    try:
        debian.install(wanted)
    except subprocess.CalledProcessError as error:
        return [f"failed: {shlex.join(map(str, error.cmd))}"]
    return []


def check(name: str, command: tuple[str, ...]) -> str:
    """Run one check; what it prints is shown only when it fails."""
    started = time.monotonic()
    done = subprocess.run(
        [SCRIPTS / command[0], *command[1:]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    say(f"{name}: {'failed' if done.returncode else 'fine'} ({time.monotonic() - started:.1f} s)")
    if done.returncode == 0:
        return ""
    print(done.stdout, flush=True)
    return f"failed: {shlex.join(command)}"


def say(text: str) -> None:
    print(f"test: {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
