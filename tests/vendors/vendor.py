"""The test's side of a vendor on the bench."""

import sys
from collections.abc import Callable

import httpx

from tests.processes import Program, Programs, wait_until
from tests.vendors.recording import Call, Recording
from tests.vendors.script import Answer, Phase
from tests.vendors.server import CONTROL, EVERY_PATH

READY = "Bench vendor is ready: "


class Vendor:
    """A running vendor: tell it what to answer, ask it what it was asked."""

    def __init__(self, program: Program, url: str) -> None:
        self.program = program
        self.url = url
        self._client = httpx.Client(base_url=url + CONTROL, timeout=120, trust_env=False)

    def answers(self, *phases: Answer | Phase, path: str = EVERY_PATH) -> float:
        """From now on it answers so; returns since when, by the monotonic clock.

        A bare answer is one call's, and the last one's for ever.
        """
        told = [p if isinstance(p, Phase) else Phase(p, times=1) for p in phases]
        script = {"path": path, "phases": [phase.as_json() for phase in told]}
        return float(self._client.put("script", json=script).raise_for_status().json()["from"])

    def calls(self, path: str = EVERY_PATH) -> Recording:
        """All calls since the start, or since `forget`, in the order of their arrival."""
        rows = self._client.get("calls").raise_for_status().json()
        return Recording(call for call in (Call(*row) for row in rows) if path in (EVERY_PATH, call.path))

    def forget(self) -> None:
        self._client.delete("calls").raise_for_status()

    def wait_for(self, reached: Callable[[Recording], object], timeout: float = 30, what: str = "") -> Recording:
        """Wait until the calls so far are such, and return them."""

        def look() -> Recording | None:
            calls = self.calls()
            return calls if reached(calls) else None

        found = wait_until(look, timeout, what or "the vendor's calls are as expected")
        assert found is not None
        return found

    def close(self) -> None:
        self._client.close()


def start_vendor(programs: Programs) -> Vendor:
    program = programs.spawn("bench_vendor", sys.executable, "-m", "tests.vendors")
    program.wait_for_log(READY)
    return Vendor(program, program.log().partition(READY)[2].split()[0])
