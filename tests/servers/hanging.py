"""One test that never ends, for the test that kills the run it is in; its name keeps it out of every other run."""

import os
import signal
from pathlib import Path

import pytest

from config.embedded.children import parents_by_pid
from tests.conftest import SERVERS
from tests.processes import Programs
from tests.servers.test_programs import family


def test_that_hangs(programs: Programs, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    os.mkfifo(tmp_path / "fifo")
    group = family(programs, tmp_path)
    controller = os.getppid()
    processes = [group, *(program.children()[0] for program in programs), os.getpid()]
    processes += [pid for pid, parent in parents_by_pid() if parent in {controller, os.getpid()}]
    broker = pytestconfig.stash[SERVERS].broker
    report = Path(os.environ["REPORT"])
    unfinished = report.with_suffix(".new")
    lines = [map(str, processes), map(str, [tmp_path, broker.directory])]
    unfinished.write_text("\n".join(map(" ".join, lines)))
    unfinished.rename(report)
    signal.pause()
