import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.billing_sync.simulators import Simulator, start_simulator
from tests.conftest import SERVERS
from tests.processes import Programs


@pytest.fixture(scope="module")
def simulator_programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """Simulators need neither database nor broker, so they may live as long as a module's tests."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONUNBUFFERED": "1"}
    janitor = request.config.stash[SERVERS].janitor
    programs = Programs(tmp_path_factory.mktemp("simulators"), lambda: environment, janitor)
    yield programs
    programs.end()


@pytest.fixture(scope="module")
def api_key() -> str:
    return "a key for tests"


@pytest.fixture(scope="module")
def calm(simulator_programs: Programs, tmp_path_factory: pytest.TempPathFactory, api_key: str) -> Simulator:
    """A vendor without faults, shared by the tests of a module: each takes documents of its own."""
    ledger = tmp_path_factory.mktemp("calm") / "ledger.sqlite3"
    return start_simulator(simulator_programs, ledger, "--api-key", api_key)


@pytest.fixture
def simulator(simulator_programs: Programs, tmp_path: Path) -> Callable[..., Simulator]:
    """`simulator("--faults", "storm")`: a vendor for one test."""
    return lambda *options: start_simulator(simulator_programs, tmp_path / "ledger.sqlite3", *options)
