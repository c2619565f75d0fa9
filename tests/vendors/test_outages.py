"""A vendor's pause outlives everything that could have forgotten it."""

import os
import subprocess
import sys
import time

import psycopg
import pytest

from config.embedded import Postgres
from idempotency import transitions
from idempotency.claims import Request
from idempotency.ids import new_id
from idempotency.keys import digest
from tests.processes import ROOT, wait_until
from tests.records import TERMS, replace
from tests.vendors.script import OK, Answer, Phase, busy
from tests.vendors.work import start_fleet

JOBS = 20
WAIT = 10  # seconds: long enough for everything to be killed and to come back
QUEUES = ["open"]


@pytest.fixture
def postgres(tmp_path):
    """Of this test alone, which restarts it."""
    with Postgres(tmp_path / "postgres") as server:
        yield server


@pytest.fixture
def environment(environment, postgres):
    return environment | {"DATABASE_URL": postgres.url, "TESTS_LEASE": "3"}


def enqueue(url: str, vendor_url: str) -> None:
    payloads = [f'{{"url": "{vendor_url}/call", "number": {n}}}' for n in range(JOBS)]
    requests = [Request(new_id(), digest(p.encode()), digest(p.encode()), p) for p in payloads]
    terms = replace(TERMS, task="tests.app.bench.CallOpen", queue="open", max_attempts=9)
    with psycopg.connect(url, autocommit=True) as connection:
        transitions.enqueue(connection, terms, requests)


def done(url: str) -> int:
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM idempotency_record WHERE state = 'succeeded'").fetchone()
    assert found
    return found[0]


def test_a_pause_outlives_workers_relay_broker_and_database(postgres, environment, programs, broker, vendor):
    migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v0"]
    subprocess.run(migrate, cwd=ROOT, env={**os.environ, **environment}, check=True)
    enqueue(postgres.url, vendor.url)
    vendor.answers(Phase(Answer(delay=0.5)))
    start_fleet(programs, QUEUES, workers=2, concurrency=2)
    vendor.wait_for(lambda calls: calls, what="work is under way")
    vendor.answers(Phase(busy(WAIT), seconds=WAIT / 2), Phase(OK))
    vendor.wait_for(lambda calls: calls.answered(429), what="somebody was told to wait")
    with psycopg.connect(postgres.url) as connection:
        paused = "SELECT FROM idempotency_queue WHERE paused_until > statement_timestamp() + interval '2 seconds'"
        wait_until(lambda: connection.execute(paused).fetchone() is not None, message="the pause is written")

    for program in programs:
        if program is not vendor.program:
            program.kill()
    broker.flush()
    postgres.stop()
    postgres.start()
    start_fleet(programs, QUEUES, workers=2, concurrency=2)
    ready = time.monotonic()
    wait_until(lambda: done(postgres.url) == JOBS, 40, "every job is done")

    calls = vendor.calls()
    refused = calls.answered(429)
    until = refused[-1].until + WAIT
    assert ready < until, "nobody was there who could have called too early: raise WAIT"
    assert not calls.between(refused[-1].until, until), "the pause was forgotten"
