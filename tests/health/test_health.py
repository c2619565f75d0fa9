"""Alive and ready: what probes and systemd are told of real workers and relays."""

import ast
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

import jobs
from jobs import health
from jobs.heartbeat import Beat
from tests.processes import ROOT, wait_until


@pytest.fixture
def file(tmp_path):
    return tmp_path / "health"


@pytest.fixture
def systemd(tmp_path):
    """The socket at which systemd would listen: `heard()` returns what was said to it so far.

    Read at once, as systemd does: the kernel keeps ten messages, and what comes after them is lost.
    """
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        said = []

        def listen():
            while message := listener.recv(4096):
                said.append(message.decode())

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()

        def heard():
            return said

        heard.path = str(path)
        yield heard
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(path))
        thread.join()


def ask(file, *options):
    """What a probe does. Returns its exit code and its words."""
    command = [sys.executable, "-m", "jobs.health", str(file), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return done.returncode, done.stdout.strip()


def write(file, **beat):
    about = {"pid": 1, "at": time.monotonic(), "ready": True, "why": ""}
    file.write_text(json.dumps(about | beat))


def test_a_probe_loads_no_django():
    text = "import sys, jobs.health; print({'django', 'celery', 'psycopg'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True).stdout == "set()\n"


def test_what_is_loaded_late_is_what_is_promised():
    promised = {}
    for node in ast.walk(ast.parse((ROOT / "jobs/__init__.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module not in ("typing", "importlib"):
            promised |= {alias.name: node.module for alias in node.names}
    assert {name: home for home, names in jobs.HOMES.items() for name in names} == promised
    assert set(jobs.__all__) == set(promised)
    assert all(getattr(jobs, name) is not None for name in jobs.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        jobs.nonsense  # noqa: B018 - the look is the test


@pytest.mark.parametrize(
    ("beat", "options", "code", "words"),
    [
        ({}, (), 0, "fine"),
        ({}, ("--ready",), 0, "fine"),
        ({"ready": False, "why": "the broker is away"}, (), 0, "fine"),
        ({"ready": False, "why": "the broker is away"}, ("--ready",), 1, "not ready: the broker is away"),
        ({"at": -60.0}, (), 1, "process 1 has not been heard of"),
        ({"pid": 2**22 + 1}, (), 1, f"process {2**22 + 1} is gone"),
    ],
)
def test_what_a_probe_says(file, beat, options, code, words, capsys):
    write(file, **beat)
    assert health.main([str(file), *options]) == code
    assert capsys.readouterr().out.startswith(words)


def test_a_file_that_is_not_there_or_says_nothing_is_no_health(file, monkeypatch):
    assert "nothing has started" in health.wrong(file, ready=False, within=30)
    file.write_text("{")
    assert "nothing has started" in health.wrong(file, ready=False, within=30)
    file.write_text(json.dumps({"pid": 1}))
    assert "nothing has started" in health.wrong(file, ready=False, within=30)
    for name in ("JOBS_HEALTH_FILE", "RUNTIME_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    assert health.main([]) == 1
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(file.parent))
    write(file)
    assert health.main([]) == 0


def test_a_beat_names_its_fields():
    assert Beat(1, 2.0, ready=True, why="") == Beat(pid=1, at=2.0, ready=True, why="")


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_alive_without_its_broker_and_ready_with_it_and_neither_when_frozen(
    spawn_worker, broker, file, systemd
):
    worker = spawn_worker("default", env={"JOBS_HEALTH_FILE": str(file), "NOTIFY_SOCKET": systemd.path})
    wait_until(lambda: ask(file, "--ready") == (0, "fine"), 15, "the worker is ready")
    wait_until(lambda: systemd().count("WATCHDOG=1") > 2, 15, "the watchdog is fed")
    assert "READY=1\nSTATUS=ready" in systemd()

    broker.stop()
    wait_until(lambda: ask(file, "--ready")[1] == "not ready: the broker is away", 30, "the worker is not ready")
    assert ask(file, "--within", "5") == (0, "fine")
    broker.restart()
    wait_until(lambda: ask(file, "--ready") == (0, "fine"), 40, "it is ready again")

    worker.freeze()
    wait_until(lambda: "has not been heard of" in ask(file, "--within", "2")[1], 15, "it is not alive")
    worker.thaw()
    wait_until(lambda: ask(file, "--within", "2")[0] == 0, 15, "it is alive again")

    worker.signal(signal.SIGTERM)
    worker.wait_for_end()
    wait_until(lambda: systemd()[-1] == "STOPPING=1", 5, "systemd is told that it ends")
    assert ask(file)[0] == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_whose_database_is_away_is_alive_and_not_ready_and_so_is_a_relay(
    spawn_worker, spawn_relay, database_wire, tmp_path
):
    files = {name: tmp_path / f"{name}.health" for name in ("worker", "relay")}
    env = {"DATABASE_URL": database_wire.url}
    spawn_worker("default", env=env | {"JOBS_HEALTH_FILE": str(files["worker"])})
    spawn_relay(env=env | {"JOBS_HEALTH_FILE": str(files["relay"])})
    for file in files.values():
        wait_until(lambda file=file: ask(file, "--ready")[0] == 0, 15, f"{file.name} is ready")
    database_wire.cut()
    away = "not ready: the database is away"
    for file in files.values():
        wait_until(lambda file=file: ask(file, "--ready")[1] == away, 40, f"{file.name} is not ready")
        assert ask(file, "--within", "15")[0] == 0
    database_wire.heal()


def test_an_event_loop_that_stands_still_while_it_is_connected_is_not_alive():
    """What a beat from a thread alone would hide."""
    from jobs.worker.liveness import STUCK, Liveness

    class Timer:
        def call_repeatedly(self, *_):
            pass

    class Consumer:
        timer, connection = Timer(), object()

    liveness = Liveness(Consumer(), time.monotonic)
    assert liveness.trouble() == ""
    liveness._turned -= STUCK + 1
    assert liveness.trouble() is None
    Consumer.connection = None
    assert liveness.trouble() == "the broker is away"
    liveness.stop()


@pytest.mark.parametrize("unit", ["jobs-worker@.service", "jobs-relay.service"])
def test_systemd_waits_for_a_worker_and_watches_it(unit):
    text = (ROOT / "deploy/systemd" / unit).read_text()
    assert "Type=notify" in text
    assert "WatchdogSec=" in text
    assert "RuntimeDirectory=" in text
