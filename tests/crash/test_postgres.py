"""PostgreSQL restarted in the middle: workers and relay wait for it, every job is done and a bulk replay goes on."""

import subprocess
import sys

import psycopg
import pytest

from config.embedded import Postgres
from idempotency import transitions
from idempotency.claims import Request
from idempotency.ids import new_hex
from idempotency.keys import digits
from tests.dead_letters import make
from tests.processes import ROOT, wait_until
from tests.records import TERMS, assert_balanced, replace

JOBS, GIVEN_UP = 300, 100
REPLAY = ("jobs", "replay", "--all", "--reason", "after the outage", "--rate", "20", "--no-wait")


@pytest.fixture
def postgres(tmp_path):
    with Postgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def environment(environment, postgres):
    return environment | {"DATABASE_URL": postgres.url}


def enqueue(connection) -> None:
    payloads = [f'{{"name": "n{i}", "seconds": 0.01}}' for i in range(JOBS)]
    requests = [Request(new_hex(), digits(p.encode()), digits(p.encode()), p) for p in payloads]
    transitions.enqueue(connection, replace(TERMS, task="tests.app.Sleep", max_attempts=5), requests)


def done(url) -> int:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT count(*) FROM idempotency_record WHERE state = 'succeeded'").fetchone()[0]


def test_every_job_is_done_although_postgres_was_stopped_and_killed(postgres, environment, programs):
    migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        enqueue(connection)
        make(connection, GIVEN_UP, task="tests.app.Mark", queue="default", causes=2, parameter="name", prefix="again ")
    subprocess.run([sys.executable, "manage.py", *REPLAY], cwd=ROOT, env=environment, check=True)
    worker, relay = programs.worker(), programs.relay()
    for part, ends in ((5, postgres.stop), (2, postgres.kill)):
        wait_until(lambda part=part: done(postgres.url) >= JOBS // part, 30)
        ends()
        postgres.start()
    wait_until(lambda: done(postgres.url) == JOBS + GIVEN_UP, 60)
    assert worker.alive
    assert relay.alive
    with psycopg.connect(postgres.url) as connection:
        assert_balanced(connection)
        assert connection.execute("SELECT DISTINCT answer FROM jobs_bulkitem").fetchall() == [("replayed",)]
