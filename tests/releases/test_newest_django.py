"""The suite again on the newest Django, where a Python is found that it runs on, in a copy of this checkout."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.again import run_again
from tests.processes import ROOT
from tests.releases.pythons import newest
from tests.servers.session import NOT_HERE

DJANGO_6_NEEDS = (3, 12)
# What touches Django: models, migrations, SQL of its compiler, admin pages, checks, commands. Other folders start
# programs, which meet the same code.
FOLDERS = ("tests/unit", "tests/database", "tests/metrics", "tests/billing_sync/database")


@pytest.mark.timeout(1800)
def test_the_suite_holds_on_the_newest_django(tmp_path: Path) -> None:
    if sys.version_info >= DJANGO_6_NEEDS:
        pytest.skip("the whole run is on it already")
    python = newest(DJANGO_6_NEEDS)
    if python is None:
        pytest.skip(f"{NOT_HERE} there is no Python 3.12 or newer, which Django 6 needs")
    checkout = _copy(tmp_path / "checkout")
    run_again([checkout / "bin" / "test", *FOLDERS], says="django: version: 6.", PYTHON=str(python))


def _copy(target: Path) -> Path:
    """The files as they lie here, committed or not, without any environment."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target
