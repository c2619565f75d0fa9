import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.billing_sync.simulators import Simulator, start_simulator
from tests.conftest import SERVERS
from tests.processes import Program, Programs


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
    return lambda *options, ledger="ledger": start_simulator(
        simulator_programs, tmp_path / f"{ledger}.sqlite3", *options
    )


@dataclass
class House:
    """All that an import needs: a vendor, a relay and a worker for each of the queues."""

    programs: Programs
    vendor: Simulator
    simulator: Callable[..., Simulator]
    mails: Path

    def run(self, *queues: str, ready: bool = True, **env: str) -> Program:
        """Start a worker of these queues."""
        return self.programs.worker(queues, env=env, ready=ready)

    def empty_ledger(self) -> None:
        """The vendor forgets all, and is there again under its address."""
        self.vendor.program.stop()
        for file in self.vendor.ledger.parent.glob(f"{self.vendor.ledger.name}*"):
            file.unlink()
        self.vendor = self.simulator("--port", self.vendor.url.rpartition(":")[2])

    def mailed(self) -> list[str]:
        """The Message-ID of every mail that was sent."""
        lines = (line for file in self.mails.iterdir() for line in file.read_text().splitlines())
        return [line.partition(": ")[2] for line in lines if line.startswith("Message-ID: ")]


@pytest.fixture
def house(
    simulator: Callable[..., Simulator], programs: Programs, environment: dict[str, str], tmp_path: Path
) -> Callable[..., House]:
    """`house("--faults", "storm")`: a vendor with these options and a relay; the test starts the workers it wants."""

    def build(*options: str) -> House:
        vendor = simulator(*options)
        environment["LEDGERLY_URL"] = vendor.url
        programs.relay()
        return House(programs, vendor, simulator, tmp_path / "mails")

    return build


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return environment | {
        "DJANGO_SETTINGS_MODULE": "tests.billing_sync.settings",
        "DJANGO_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "DJANGO_EMAIL_FILE_PATH": str(tmp_path / "mails"),
    }
