"""The bulk pool is measured as `deploy/` has it run, and does stand behind others."""

import os
import subprocess
import sys
from pathlib import Path

from tests.benchmarks import behind, isolation
from tests.processes import ROOT

DROP_IN = ROOT / "deploy/systemd/jobs-worker@bulk-import.service.d/behind-others.conf"
BATCH = "import django; django.setup(); from jobs import conf; print(conf.batch_size())"


def settings_of(unit: Path) -> list[str]:
    return [line for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#")]


def test_the_benchmark_gives_the_bulk_pool_what_its_unit_gives_it() -> None:
    said = settings_of(DROP_IN)
    assert f"Environment=CHILDREN={isolation.CHILDREN[isolation.BULK]}" in said
    assert f"Environment=JOBS_BATCH_SIZE={isolation.CLAIM}" in said
    assert [line for line in said if line.startswith("CPUWeight=")][-1] == "CPUWeight=idle"


def test_no_unit_counts_on_nice_which_weighs_nothing_against_other_units() -> None:
    units = [path for path in (ROOT / "deploy/systemd").rglob("*") if path.is_file()]
    assert units
    assert [unit.name for unit in units if any(line.startswith("Nice=") for line in settings_of(unit))] == []


def test_a_pools_environment_bounds_its_claims() -> None:
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "JOBS_BATCH_SIZE": "50"}
    told = subprocess.run([sys.executable, "-c", BATCH], env=environment, cwd=ROOT, capture_output=True, check=True)
    assert told.stdout.split() == [b"50"]


def test_a_process_stands_behind_others_with_its_descendants_until_it_ends() -> None:
    with behind.others() as put:
        shell = subprocess.Popen(["sh", "-c", "sleep 60 & echo; wait"], stdout=subprocess.PIPE, start_new_session=True)
        try:
            assert shell.stdout is not None
            shell.stdout.readline()
            by = put(shell.pid)
            members = [shell.pid, *behind.descendants(shell.pid)]
            where = [(Path(f"/proc/{pid}/cgroup"), Path(f"/proc/{pid}/autogroup")) for pid in members]
            assert len(where) == 2
            if by == behind.GROUP:
                assert all(behind.NAME in group.read_text() for group, _ in where)
            if by == behind.SESSION:
                assert all("nice 19" in session.read_text() for _, session in where)
        finally:
            os.killpg(shell.pid, 9)
            shell.communicate()
    assert not any((root / behind.NAME).exists() for root in behind.ROOTS)
