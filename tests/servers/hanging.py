"""One test that never ends, for the test that kills the run it is in; its name keeps it out of every other run."""

import os
import signal
from pathlib import Path

import pytest

from config.embedded.children import descendants
from tests.conftest import SERVERS
from tests.processes import Programs
from tests.servers.test_programs import family


def test_that_hangs(programs: Programs, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    os.mkfifo(tmp_path / "fifo")
    family(programs, tmp_path)
    processes = descendants(os.getppid())  # of xdist's controller: its servers, and this process with its own
    broker = pytestconfig.stash[SERVERS].broker
    report = Path(os.environ["REPORT"])
    unfinished = report.with_suffix(".new")
    names = {comm.read_text().strip() for pid in processes if (comm := Path(f"/proc/{pid}/comm")).exists()}
    lines = [map(str, processes), map(str, [tmp_path, broker.directory]), names]
    unfinished.write_text("\n".join(map(" ".join, lines)))
    unfinished.rename(report)
    signal.pause()
