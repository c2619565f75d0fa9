"""A transaction that somebody holds open costs claims; the alert finds it, and its end is the end of both."""

from contextlib import closing
from datetime import timedelta

import psycopg
import pytest

from idempotency import reads, transitions
from jobs.metrics import snapshot, watching
from tests.plans import as_they_run, pages
from tests.processes import wait_until
from tests.records import LEASE, claim, enqueue_plenty, own_connection

FEW = 10  # jobs in the claims that are compared: of many the writing costs most
DRAINED = 10_000
pytestmark = pytest.mark.django_db(transaction=True)


def firing(connection):
    found = snapshot.newest(connection, fresh=timedelta(0)).samples
    return {held.alert.name for held in watching.held(found, reads.now(connection).timestamp())}


def claims_pages(connection):
    """That a claim comes to, of a queue in which no more wait than it takes."""
    enqueue_plenty(connection, FEW)
    with connection.transaction(), as_they_run(connection) as plans:
        batch = transitions.claim(connection, "default", limit=FEW, lease=LEASE, claimed_by="w")
    assert len(transitions.succeed(connection, batch, ["null"] * FEW)) == FEW
    return max(map(pages, plans))


def drain(connection, jobs):
    enqueue_plenty(connection, jobs)
    while batch := claim(connection, 200):
        transitions.succeed(connection, batch, ["null"] * len(batch))


def test_claims_step_over_what_a_held_snapshot_keeps_until_it_ends_and_an_alert_tells_of_it(database, settings):
    settings.JOBS_LONG_TRANSACTION = timedelta(milliseconds=1)
    with own_connection() as connection:
        before = max(claims_pages(connection) for _ in "12")
        with closing(psycopg.connect(database)) as report:
            report.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            report.execute("SET idle_in_transaction_session_timeout = 0")
            report.execute("SELECT FROM idempotency_record")
            drain(connection, DRAINED)
            assert claims_pages(connection) > 2 * before
            assert "JobsLongTransaction" in firing(connection)
        # The first one marks what it steps over as dead for good, unless autovacuum's ANALYZE is holding it just then.
        wait_until(lambda: claims_pages(connection) < 1.5 * before, 20, "claims step over nothing")
        assert "JobsLongTransaction" not in firing(connection)
