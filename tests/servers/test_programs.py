"""What tests start, ends: with the test, and with pytest, however that ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded.children import gone as ended
from tests.janitor import Janitor, gone
from tests.processes import ROOT, Programs, wait_until
from tests.servers.session import require

FAMILY = ("sh", "-c", "sh -c 'read _ < fifo' & read _ < fifo")  # a parent and a child that wait for ever


@pytest.fixture
def own_programs(tmp_path: Path) -> Iterator[Programs]:
    os.mkfifo(tmp_path / "fifo")
    janitor = Janitor()
    programs = Programs(tmp_path, lambda: dict(os.environ), janitor)
    yield programs
    programs.end()
    janitor.finish()


def family(programs: Programs, directory: Path) -> int:
    """Start a program that has a child; returns its process group."""
    program = programs.spawn("family", *FAMILY[:2], f"cd {directory}; {FAMILY[2]}")
    wait_until(program.children)
    return program.pid


def test_a_program_ends_with_its_children_when_its_test_ends(own_programs: Programs, tmp_path: Path) -> None:
    group = family(own_programs, tmp_path)
    assert not gone(group)
    own_programs.end()
    assert gone(group)


def test_children_of_a_killed_program_are_killed_too(own_programs: Programs, tmp_path: Path) -> None:
    family(own_programs, tmp_path)
    (program,) = own_programs
    (child,) = program.children()
    program.signal(signal.SIGKILL)
    program.wait_for_end()
    assert not gone(program.pid), f"{child} should have outlived its parent"
    own_programs.end()
    assert gone(program.pid)


@pytest.mark.parametrize(("broker", "server"), [("redis", "valkey-server"), ("rabbitmq", "epmd")])
def test_nothing_is_left_of_a_test_run_that_was_killed(tmp_path: Path, broker: str, server: str) -> None:
    if broker == "rabbitmq":
        require("rabbitmq-server")
    report = tmp_path / "report"
    environment = {n: v for n, v in os.environ.items() if not n.startswith("PYTEST") and n != "DATABASE_URL"}
    environment |= {"REPORT": str(report), "JOBS_TEST_BROKER": broker, "JOBS_TEST_SERVERS": "the wheels"}
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "no:cacheprovider", "tests/servers/hanging.py"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, process_group=0) as run:
        wait_until(report.exists, 60)
        run.kill()
    processes, directories, names = map(str.split, report.read_text().splitlines())
    assert server in names
    wait_until(lambda: all(map(ended, map(int, processes))), message="processes end")
    wait_until(lambda: not any(map(os.path.exists, directories)), message="directories go")


def test_the_log_of_a_program_that_ended_early_is_in_the_failure(own_programs: Programs) -> None:
    program = own_programs.spawn("loud", "sh", "-c", "echo 'the reason'; exit 3")
    with pytest.raises(AssertionError, match=r"(?s)ended with 3.*the reason"):
        program.wait_for_log("ready")
