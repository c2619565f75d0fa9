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
from idempotency.ids import new_hex
from idempotency.keys import digits
from tests.processes import ROOT, wait_until
from tests.records import TERMS, replace
from tests.vendors.script import OK, Answer, Phase, busy
from tests.vendors.work import monotonic, start_fleet

JOBS = 20
WAIT = 3600  # seconds: longer than it can take until everything was killed and has come back
WATCHED = 3  # seconds in which those that came back could have called
QUEUES = ["open"]
PAUSED = "SELECT FROM idempotency_queue WHERE paused_until > statement_timestamp() + interval '2 seconds'"
END_SOON = """UPDATE idempotency_queue SET paused_until = statement_timestamp() + interval '1 second'
    WHERE paused_until IS NOT NULL RETURNING paused_until"""


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
    requests = [Request(new_hex(), digits(p.encode()), digits(p.encode()), p) for p in payloads]
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
    vendor.answers(Phase(Answer(delay=0.5), times=4), Phase(busy(WAIT)))
    start_fleet(programs, QUEUES, workers=2, concurrency=2)
    vendor.wait_for(lambda calls: calls.answered(429), what="somebody was told to wait")
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(PAUSED).fetchone() is not None, message="the pause is written")

    for program in programs:
        if program is not vendor.program:
            program.kill()
    broker.flush()
    postgres.stop()
    postgres.start()
    vendor.answers(Phase(OK))
    start_fleet(programs, QUEUES, workers=2, concurrency=2)
    watched_until = time.monotonic() + WATCHED
    wait_until(lambda: time.monotonic() > watched_until)
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        (ends_at,) = connection.execute(END_SOON).fetchone()
    wait_until(lambda: done(postgres.url) == JOBS, 40, "every job is done")

    calls = vendor.calls()
    assert not calls.between(calls.answered(429)[-1].until, monotonic(ends_at) - 0.05), "the pause was forgotten"
