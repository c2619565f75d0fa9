"""A claim that did not wait for the disk, and a PostgreSQL that is killed right behind it: it has never been."""

import os
import subprocess
import sys
from uuid import uuid4

import psycopg
import pytest
from django.db import connections

from config.embedded import Postgres
from idempotency import transitions
from idempotency.errors import LeaseLost
from jobs import own_connection
from jobs.own_connection import OwnConnection
from jobs.worker.child import Child
from tests.app.tasks import MarkAlone
from tests.processes import ROOT
from tests.records import LEASE, OOPS, by_hand, empty_heap, enqueue, rows

# Nothing but a commit that waits may bring a claim to the disk meanwhile.
LAZY = {"wal_writer_delay": "10s", "autovacuum": "off", "checkpoint_timeout": "1h", "bgwriter_lru_maxpages": "0"}
UNTOUCHED, TAKEN = ("queued", 0, 0), ("processing", 1, 1)


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    with Postgres(tmp_path_factory.mktemp("postgres"), settings=LAZY) as server:
        environment = {**os.environ, "DATABASE_URL": server.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "-v0"]
        subprocess.run(migrate, cwd=ROOT, env=environment, check=True)
        yield server


@pytest.fixture
def connect(postgres):
    """A worker's connection to that server, on which there is nothing yet."""
    settings = connections["default"].settings_dict
    before = dict(settings)
    settings |= {"HOST": str(postgres.sockets), "NAME": "postgres", "USER": "jobs", "PASSWORD": "", "PORT": ""}
    with own_connection.connect("jobs test") as connection:
        empty_heap(connection)
    yield own_connection.connect
    settings |= before


@pytest.fixture
def own(connect):
    with connect("jobs test") as connection:
        enqueue(connection, "the job")
        yield connection


@pytest.fixture(params=["claim", "claim_lone"])
def claim(request):
    """Both ways to take the job."""

    def take(connection, *, durable):
        terms = {"lease": LEASE, "claimed_by": "w", "lease_id": uuid4(), "durable": durable}
        if request.param == "claim":
            terms["limit"] = 1
        return getattr(transitions, request.param)(connection, "default", **terms)[0]

    return take


def after_a_crash(postgres, connect):
    """A connection to the server that came back."""
    postgres.kill()
    postgres.start()
    return connect("jobs test")


def state(connection):
    return next(iter(rows(connection, "state", "attempt", "fencing_token").values()))


def test_it_waits_again_with_all_its_attempts_and_who_had_it_can_write_nothing(postgres, connect, own, claim):
    mine = claim(own, durable=False)
    assert state(own) == TAKEN
    with after_a_crash(postgres, connect) as back:
        assert state(back) == UNTOUCHED
        yours = claim(back, durable=True)
        assert (yours.attempt, yours.fencing_token) == (mine.attempt, mine.fencing_token)
        assert transitions.succeed(back, [mine], ["1"]) == set()
        for write in (
            lambda: transitions.intend(back, mine),
            lambda: transitions.fail(back, mine, OOPS),
            lambda: transitions.retry(back, mine, delay=LEASE, problem=OOPS),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert transitions.succeed(back, [yours], ["2"]) == {yours.id}


def test_one_that_was_to_last_does(postgres, connect, own, claim):
    claim(own, durable=True)
    with after_a_crash(postgres, connect) as back:
        assert state(back) == TAKEN


@pytest.mark.parametrize("then", ["a wish", "an intent", "a settle elsewhere"])
def test_whatever_is_written_durably_behind_it_keeps_it(then, postgres, connect, own, claim):
    mine = claim(own, durable=False)
    if then == "a wish":
        transitions.harden(own)
    elif then == "an intent":
        transitions.intend(own, mine)
    else:
        with psycopg.connect(postgres.url, autocommit=True) as other:
            by_hand(other, "INSERT INTO idempotency_tally (task) VALUES ('tests')")
    with after_a_crash(postgres, connect) as back:
        assert state(back) == TAKEN
        assert transitions.succeed(back, [mine], ["1"]) == {mine.id}


# -- the worker -------------------------------------------------------------------------------------------------------


@pytest.fixture
def child(connect):
    child = Child("worker@here")
    yield child
    child.own.close()


def test_claims_that_follow_upon_a_crash_are_kept(postgres, connect, own, child, monkeypatch):
    """Else a job whose own query crashes the database would never use up its attempts."""
    monkeypatch.setattr(own_connection, "YOUNG", 0.0)
    assert child.claimer.claim("default", 1, "w")[0]
    monkeypatch.undo()
    with after_a_crash(postgres, connect) as back:
        assert state(back) == UNTOUCHED
    claimed, _ = child.claimer.claim("default", 1, "w")
    assert [c.attempt for c in claimed] == [1]
    with after_a_crash(postgres, connect) as back:
        assert state(back) == TAKEN


def test_a_job_that_shows_outside_begins_when_its_claim_is_on_disk(postgres, connect, own, child, monkeypatch):
    monkeypatch.setattr(own_connection, "YOUNG", 0.0)
    by_hand(own, "UPDATE idempotency_record SET task = %s", MarkAlone.name)
    claimed, _ = child.claimer.claim("default", 1, "w")
    monkeypatch.setattr(child.tracer, "run", lambda *_, **__: postgres.kill())
    child._run_job(claimed[0])
    postgres.start()
    with connect("jobs test") as back:
        assert state(back) == TAKEN
    assert child.claimer._must_last("default")


def test_a_connection_is_young_until_it_has_lasted(connect, monkeypatch):
    own = OwnConnection("jobs test")
    assert own.is_young()
    own.once(lambda c: c.execute("SELECT 1"))
    assert own.is_young()
    monkeypatch.setattr(own_connection, "YOUNG", 0.0)
    assert not own.is_young()
    own.close()
    assert own.is_young()
