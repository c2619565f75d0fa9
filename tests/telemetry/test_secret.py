"""A secret in a sensitive parameter is found nowhere, though the body tells it to everybody who would listen."""

import base64
import binascii
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from config.embedded.valkey import free_port
from idempotency.models import Record
from tests.app.telling import Confides
from tests.flower import COMMAND, PASSWORD, USER, answers, basic
from tests.processes import wait_until
from tests.review import address
from tests.telemetry.test_traces import ended

EMAIL, CARD = "Quuxley O'Neil+zörp@example.com", "Zorpcard 4929"
TOLD = re.compile("quuxley|z.{1,8}rp@|zorpcard", re.IGNORECASE)
ENCODED = re.compile(rb"[A-Za-z0-9+/]{24,}={0,2}")
# A job is its payload, and its result what the body says it is: both are kept, and neither is shown.
KEPT = {"idempotency_record": "- 'payload' - 'result'"}
TABLES = """SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'tests_%'"""
MONITOR = """
import sys, redis
with open(sys.argv[2], "w", buffering=1) as file, redis.Redis.from_url(sys.argv[1]).monitor() as monitor:
    file.write("listening\\n")
    for command in monitor.listen():
        file.write(command["command"] + "\\n")
"""


def told_in(text: bytes) -> list[str]:
    """Where a secret stands in it, plain or in the base64 that brokers' messages are made of."""
    decoded = [text]
    for word in ENCODED.findall(text):
        try:
            decoded.append(base64.b64decode(word + b"=" * (-len(word) % 4)))
        except binascii.Error:
            continue
    texts = [part.decode(errors="replace") for part in decoded]
    texts += [re.sub(r"\\u([0-9a-f]{4})", lambda found: chr(int(found[1], 16)), part) for part in texts]
    return [part[max(0, m.start() - 80) : m.end() + 40] for part in texts for m in TOLD.finditer(part)]


@pytest.fixture
def flower(programs) -> str:
    port = free_port()
    command = [*COMMAND, "--conf=deploy/flower/viewer.py", f"--port={port}"]
    programs.spawn("flower", *command, env={"FLOWER_BASIC_AUTH": f"{USER}:{PASSWORD}"})
    wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthcheck") == 200, 30, "Flower answers")
    return f"http://127.0.0.1:{port}"


@pytest.fixture
def broker_log(programs, broker, tmp_path) -> Path:
    """All that is said to the broker; nothing where it is a RabbitMQ, which has no such command."""
    file = tmp_path / "broker.txt"
    file.touch()
    if urlsplit(broker.url).scheme.startswith("redis"):
        programs.spawn("monitor", sys.executable, "-c", MONITOR, broker.url, str(file))
        wait_until(file.read_text, 30, "the monitor listens")
    return file


@pytest.fixture
def confided(sunk, request_jobs, programs, flower, broker_log) -> list[str]:
    """The ids of two jobs that told it all: one succeeded, one failed; with everything on that may hear of it."""
    secret = {"email": EMAIL, "card": {"number": CARD}}
    ids = request_jobs(*((Confides, {"number": n, "fail": bool(n), **secret}) for n in range(2)))
    worker = programs.worker("default", "-E", env=sunk.environment | {"LOG_STYLE": "json"})
    programs.relay(env={"LOG_STYLE": "json"})
    wait_until(lambda: ended(*ids))
    wait_until(lambda: [tasks(flower).get(id_) for id_ in ids] == ["SUCCESS", "FAILURE"])
    assert not worker.stop()
    return ids


def test_a_secret_is_found_nowhere(confided, sunk, programs, flower, broker_log, client):
    seen = {f"log of {program.name}": program.log_path.read_bytes() for program in programs}
    seen |= {"sentry and traces": sunk.file.read_bytes(), "broker": broker_log.read_bytes()}
    seen |= dict(pages_of_flower(flower, confided)) | dict(pages_of_admin(client, confided)) | dict(tables())
    assert not {name: found for name, text in seen.items() if (found := told_in(text))}
    told = ("log of worker-1", "sentry and traces", f"flower task {confided[1]}", f"admin {confided[1]}",
            "idempotency_attempt")  # fmt: skip
    assert not [name for name in told if b"********" not in seen[name]], "each tells of the job, with stars"
    payload = Record.objects.get(id=confided[0]).payload
    assert told_in(json.dumps(payload).encode()), "what is sought for can be found"
    reads_as_a_line_of_a_job(seen["log of worker-1"].decode(), confided)


def tasks(flower: str) -> dict[str, str]:
    """States by id."""
    with urlopen(Request(f"{flower}/api/tasks", headers=basic())) as response:
        return {id_: task["state"] for id_, task in json.load(response).items()}


def pages_of_flower(flower: str, ids: list[str]) -> Iterator[tuple[str, bytes]]:
    for path in ("api/tasks", "tasks", "workers", "metrics", *(f"task/{id_}" for id_ in ids)):
        with urlopen(Request(f"{flower}/{path}", headers=basic())) as response:
            yield f"flower {path.replace('/', ' ')}", response.read()


def pages_of_admin(client: Client, ids: list[str]) -> Iterator[tuple[str, bytes]]:
    client.force_login(get_user_model().objects.create_superuser("root"))
    paths = {id_: address(Record.objects.get(id=id_)) for id_ in ids}
    lists = ("idempotency_record", "jobs_deadletter", "jobs_worker", "jobs_overview")
    paths |= {name: reverse(f"admin:{name}_changelist") for name in lists}
    for name, path in paths.items():
        response = client.get(path, follow=True)
        assert response.status_code == 200, path
        yield f"admin {name}", response.content


def tables() -> Iterator[tuple[str, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT to_jsonb(t) {KEPT.get(table, "")} FROM "{table}" AS t')
            yield table, json.dumps(cursor.fetchall(), default=str).encode()


def reads_as_a_line_of_a_job(log: str, ids: list[str]) -> None:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    of = {id_: [line for line in lines if line.get("job_id") == id_] for id_ in ids}
    (done,) = (line for line in of[ids[0]] if line.get("event") == "job.succeeded")
    (failed,) = (line for line in of[ids[1]] if line.get("event") == "job.given_up")
    record = Record.objects.get(id=ids[1])
    bound = {"attempt": 1, "key": str(record.key), "task": Confides.name, "queue": "default", "level": "error"}
    assert bound.items() <= failed.items()
    assert failed["trace_id"] == record.options["headers"]["traceparent"][3:35]
    assert "PermanentError" in failed["exception"]
    assert done["runtime"] > 0
    said = [line["message"] for line in of[ids[0]] if line["logger"] == "app"]
    assert said[0] == "to everybody: ******** pays with ********"
    assert any("printed" in line["message"] for line in of[ids[0]]), "what a body prints is a line too"
