"""The suite started again, where it meets other servers or another Python."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.processes import ROOT

# What this run has set for itself.
OURS = ("DATABASE_URL", "BROKER_URL", "JOBS_TEST_NOTES", "PYTHONPATH", "VIRTUAL_ENV")
SHOWN = 20_000  # characters of its output, from the end


def run_again(command: Sequence[str | Path], *, says: str, cwd: Path = ROOT, **environment: str) -> None:
    """Run it, print how it ends, and fail where it fails.

    Args:
        says: what stands in its output where it really ran as it should.
        environment: variables set besides those that belong to nobody's run.
    """
    kept = {name: value for name, value in os.environ.items() if name not in OURS and "PYTEST" not in name}
    done = subprocess.run(
        command, cwd=cwd, env=kept | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    print(done.stdout[-SHOWN:])
    assert says in done.stdout
    assert done.returncode == 0
