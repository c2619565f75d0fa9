"""A real stack that a scenario breaks and a page mends: PostgreSQL, a broker, workers, relay, exporter."""

import io
import json
import shlex
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from django.core.management import CommandError, call_command
from django.db import connection

from idempotency import transitions
from jobs.metrics.alerts import alerts
from tests.processes import ROOT, wait_until
from tests.records import TERMS, by_hand, request

LASTING = {alert.name: alert.lasting for alert in alerts()}
RUN = 120  # seconds for one command


class Stack:
    """What the commands of a page act on."""

    def __init__(self, programs, broker, environment, place: Path, *, in_process: bool) -> None:
        self.in_process = in_process  # `manage.py jobs` without starting a Python for each
        self.programs, self.broker, self.environment, self.place = programs, broker, environment, place
        self.deployed: dict[str, str] = {}  # environment of units that are started from now on
        self.units: dict[str, list] = {}
        self.open: list = []  # connections that a scenario holds
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        binary = place / "bin"
        binary.mkdir()
        for name, words in (("manage.py", f"{sys.executable} {ROOT}/manage.py"), ("python", sys.executable)):
            (binary / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
            (binary / name).chmod(0o755)
        self.path = f"{binary}:{environment['PATH']}"

    # -- what a page's commands do

    def run(self, command: str) -> subprocess.CompletedProcess:
        """Run one line of a page. systemd's part is played here, with the commands of `deploy/systemd`."""
        words = shlex.split(command)
        if words[0] == "systemctl":
            for unit in words[2:]:
                self.systemctl(words[1], unit)
            return subprocess.CompletedProcess(command, 0, "", "")
        if self.in_process and words[:2] == ["manage.py", "jobs"] and not self.deployed:
            return called(command, words[1:])
        shown = command.replace(":9808", f":{self.port}")
        env = self.environment | self.deployed | {"PATH": self.path}
        return subprocess.run(["sh", "-c", shown], cwd=ROOT, env=env, capture_output=True, text=True, timeout=RUN)

    def systemctl(self, verb: str, unit: str) -> None:
        if verb in ("stop", "restart"):
            for program in self.units.pop(unit, []):
                program.stop(60)
        if verb in ("start", "restart"):
            self.units.setdefault(unit, []).append(self._start(unit))

    def _start(self, unit: str):
        name, _, queue = unit.partition("@")
        match name:
            case "jobs-worker":
                return self.programs.worker(queue, env=self.deployed)
            case "jobs-relay":
                program = self.programs.relay(env=self.deployed)
                program.wait_for_log("relay: ready")
                return program
            case "jobs-beat":
                return self.programs.beat(env=self.deployed)
            case "jobs-exporter":
                program = self.programs.manage("jobs", "exporter", "--port", self.port)
                program.wait_for_log("exporter: ready")
                return program
        raise AssertionError(f"no unit {unit}")

    # -- what scenarios do

    def enqueue(self, count: int = 1, *, task: str = "tests.app.Mark", queue: str = "default", **terms) -> list:
        """Records as a caller writes them, without the hint that a caller sends."""
        wanted = replace(TERMS, task=task, queue=queue, **terms)
        asked = [request(payload=json.dumps({"name": f"{task} {queue} {n}"})) for n in range(count)]
        return [found.id for found in transitions.enqueue(connection, wanted, asked)]

    def grow_older(self, span: timedelta) -> None:
        """What waits has waited for so much longer."""
        by_hand(connection, "UPDATE idempotency_record SET available_at = available_at - %s::interval "
                            "WHERE state IN ('queued', 'processing')", span)  # fmt: skip

    def sql(self, statement: str, *params) -> None:
        by_hand(connection, statement, *params)

    def firing(self, *options: str) -> list[dict]:
        told = self.run("manage.py jobs watch --once --fresh --json " + " ".join(options))
        return json.loads(told.stdout.splitlines()[-1])["firing"] if told.stdout else []

    def fires(self, alert: str) -> bool:
        """Whether it fires; what it has to last is let pass."""
        if self.firing("--alert", alert):
            return True
        self.sql("UPDATE jobs_alarm SET since = since - %s::interval WHERE alert = %s", LASTING[alert], alert)
        return False

    def wait_for(self, alert: str) -> None:
        wait_until(lambda: self.fires(alert), 30, f"{alert} fires")

    def close(self) -> None:
        for held in self.open:
            held.close()


def called(command: str, words: list[str]) -> subprocess.CompletedProcess:
    """What `manage.py` does, in this process."""
    said, code = io.StringIO(), 0
    with redirect_stdout(said), redirect_stderr(said):
        try:
            call_command(*words)
        except SystemExit as ended:
            code = ended.code or 0
        except CommandError as error:
            code = error.returncode
            said.write(f"CommandError: {error}")
    return subprocess.CompletedProcess(command, code, said.getvalue(), "")
