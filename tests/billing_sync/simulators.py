"""Vendor simulators for tests: real server processes, each with a ledger of its own."""

import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from billing_sync.vendor_simulator.ledger import Document, effects
from tests.processes import Program, Programs

READY = "Vendor simulator is ready: "


@dataclass(frozen=True)
class Simulator:
    program: Program
    url: str
    ledger: Path

    def client(self, api_key: str = "", timeout: float = 60) -> httpx.Client:
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=timeout, trust_env=False)

    def told(self, path: str) -> dict:
        """What it tells at one of its summaries."""
        with self.client() as client:
            return client.get(path).json()

    def effects(self) -> dict[Document, int]:
        return effects(self.ledger)


def start_simulator(programs: Programs, ledger: Path, *options: str) -> Simulator:
    command = (sys.executable, "-m", "billing_sync.vendor_simulator", "--port", "0", "--ledger", str(ledger))
    program = programs.spawn("vendor_simulator", *command, *options)
    program.wait_for_log(READY)
    url = program.log().partition(READY)[2].split()[0]
    return Simulator(program, url, ledger)


def document(external_id: str = "17850-536365", revision: int = 1, /, **changed: object) -> dict:
    """What the vendor accepts, but for what is named."""
    return {
        "external_id": external_id,
        "revision": revision,
        "kind": "invoice",
        "number": "536365",
        "issued_at": "2010-12-01T08:26:00+00:00",
        "currency": "GBP",
        "total": "15.30",
        "lines": [{"quantity": 6, "unit_price": "2.5500"}],
    } | changed
