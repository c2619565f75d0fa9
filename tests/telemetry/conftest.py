"""A sink for what is told of jobs, and a request that enqueues some."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from config.embedded.valkey import free_port
from tests.flower import answers
from tests.processes import ROOT, Programs, wait_until


class Sunk:
    """What the sink has received."""

    def __init__(self, file: Path, address: str) -> None:
        self.file, self.address = file, address

    @property
    def environment(self) -> dict[str, str]:
        """Of programs that tell all they know, at once."""
        return {
            "SENTRY_DSN": self.address.replace("//", "//key@") + "/1",
            "SENTRY_TRACES_SAMPLE_RATE": "1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.address,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
        }

    def items(self, **wanted: object) -> list[dict[str, Any]]:
        lines = self.file.read_text().splitlines() if self.file.exists() else ()
        return [i for i in map(json.loads, lines) if all(i.get(name) == value for name, value in wanted.items())]

    def spans(self) -> list[dict[str, Any]]:
        return self.items(**{"from": "otlp"})

    def sentry(self, type: str) -> list[dict[str, Any]]:  # noqa: A002 - Sentry's word
        return self.items(**{"from": "sentry"}, type=type)


@pytest.fixture
def sunk(programs: Programs, tmp_path: Path) -> Sunk:
    port, file = free_port(), tmp_path / "sunk.jsonl"
    programs.spawn("sink", sys.executable, "-m", "tests.telemetry.sink", str(port), str(file))
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 30, "the sink listens")
    return Sunk(file, f"http://127.0.0.1:{port}")


@pytest.fixture
def request_jobs(environment: dict[str, str], sunk: Sunk) -> Callable[..., list[str]]:
    """`request_jobs((task, payload), …)`: another process enqueues them within one request; returns their ids."""

    def ask(*asked: tuple[type, dict[str, Any]], env: Mapping[str, str] | None = None) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.telemetry.caller"],
            input=json.dumps([(task.name, payload) for task, payload in asked]),
            env={**environment, **sunk.environment, **(env or {})}, cwd=ROOT, text=True, capture_output=True,
        )  # fmt: skip
        assert not done.returncode, done.stderr
        return json.loads(done.stdout)

    return ask
