"""The suite again on Debian's PostgreSQL 15 and Redis 7, the oldest servers; the wheels bring the newest ones."""

import sys

import pytest

from tests.again import run_again
from tests.processes import ROOT
from tests.servers.session import require

# What talks to a server. Where a test depends on neither its outcome cannot differ either. Chaos runs are left out, as
# they take longer than all of these: `JOBS_TEST_SERVERS=debian bin/test tests/chaos` has them.
FOLDERS = ("database", "property", "concurrency", "crash")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("folder", [name for name in FOLDERS if any((ROOT / "tests" / name).glob("**/test_*.py"))])
def test_the_suite_holds_on_debians_servers(folder: str) -> None:
    require("postgresql")
    require("redis-server")
    command = [sys.executable, "-m", "pytest", f"tests/{folder}", "-p", "no:cacheprovider", "-o", "addopts=-ra"]
    run_again(command, says="on debian's servers", JOBS_TEST_SERVERS="debian")
