"""A settle that is sent while the next job runs: its answer is heard, and a lost one is asked for again."""

from uuid import uuid4

import psycopg
import pytest
from psycopg.pq import TransactionStatus

from idempotency import transitions
from jobs.context import Job
from jobs.own_connection import OwnConnection
from jobs.worker.settle import Settler
from tests.app.tasks import Echo
from tests.processes import wait_until
from tests.records import LEASE, claim, enqueue_plenty, let_leases_run_out, own_connection

STATES = "SELECT state, count(*) FROM idempotency_record GROUP BY state"


def states(connection):
    return dict(connection.execute(STATES).fetchall())


def cut(own):
    """End the server's side of a connection, as a fail-over does."""
    with own_connection() as other:
        pid = own.once(lambda c: c.info.backend_pid)
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        wait_until(lambda: not other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone())


@pytest.fixture
def own(transactional_db):
    own = OwnConnection("jobs test")
    yield own
    own.close()


@pytest.fixture
def settler(own):
    return Settler(own, lambda: False)


def finish(settler, batch):
    for claimed in batch:
        settler.succeed(Echo.instance(), Job(claimed, settler, grouped=True), {}, None, "null")


def test_what_was_sent_is_written_before_anybody_asks_for_the_answer(committing, own):
    enqueue_plenty(committing, 300)
    batch = claim(committing, 200)
    under_way = own.send(lambda c: transitions.send_succeed(c, batch, ["null"] * 200))
    wait_until(lambda: states(committing) == {"succeeded": 200, "queued": 100})
    assert under_way.count() == 200
    assert own.once(lambda c: c.execute("SELECT 1").fetchone()) == (1,)


def test_the_next_statement_waits_for_the_one_that_is_under_way(committing, own):
    enqueue_plenty(committing, 1)
    batch = claim(committing)
    with own_connection() as other, other.transaction():
        other.execute("SELECT FROM idempotency_record FOR UPDATE")
        under_way = own.send(lambda c: transitions.send_succeed(c, batch, ["1"]))
        assert not under_way.arrived()
    assert own.once(states) == {"succeeded": 1}
    assert under_way.count() == 1


def test_what_a_rollback_has_dropped_is_prepared_again(committing, own):
    enqueue_plenty(committing, 4)

    def claim_two(connection):
        return claim(connection, 2)

    first = own.once(claim_two)
    own.send(lambda c: transitions.send_succeed(c, first[:1], ["1"])).wait()
    own.once(lambda c: c.execute("SELECT 1"))  # psycopg has prepared something as well
    with own.once(lambda c: c.transaction(force_rollback=True)):
        pass
    under_way = own.send(lambda c: transitions.send_succeed(c, first[1:], ["1"]))
    assert under_way.count() == 1
    assert len(own.once(claim_two)) == 2


def test_a_group_that_was_passed_on_is_settled_although_its_answer_was_lost(committing, own, settler):
    enqueue_plenty(committing, 3)
    finish(settler, claim(committing))
    settler.pass_on()
    cut(own)
    settler.flush()
    assert states(committing) == {"succeeded": 3}


def test_a_group_that_could_not_be_sent_is_written_by_a_new_connection(committing, own, settler):
    enqueue_plenty(committing, 3)
    finish(settler, claim(committing))
    cut(own)
    settler.pass_on()
    settler.flush()
    assert states(committing) == {"succeeded": 3}


def test_who_lost_its_jobs_meanwhile_writes_nothing_and_says_so(committing, settler, caplog):
    enqueue_plenty(committing, 2)
    finish(settler, claim(committing))
    let_leases_run_out(committing)
    transitions.reap(committing)
    settler.pass_on()
    settler.flush()
    assert states(committing) == {"queued": 2}
    assert caplog.text.count("no longer owns the record") == 2


def test_something_else_is_done_while_the_server_works(committing, own):
    enqueue_plenty(committing, 2)
    done = []

    def claimed(connection):
        def meanwhile():
            done.append(connection.pgconn.transaction_status)

        return transitions.claim(
            connection, "default", limit=2, lease=LEASE, claimed_by="w", lease_id=uuid4(), meanwhile=meanwhile
        )

    assert len(own.once(claimed)) == 2
    assert done == [TransactionStatus.ACTIVE]


def test_an_answer_that_was_bad_is_raised_when_it_is_asked_for(committing, own):
    enqueue_plenty(committing, 1)
    under_way = own.send(lambda c: transitions.send_succeed(c, claim(committing), ["no JSON"]))
    with pytest.raises(psycopg.DataError):
        under_way.count()


def test_behind_a_pool_the_statement_is_sent_whole(committing, own):
    enqueue_plenty(committing, 2)
    own.once(lambda c: setattr(c, "prepare_threshold", None))
    batch = own.once(claim)
    assert own.send(lambda c: transitions.send_succeed(c, batch, ['{"a": "it\'s"}', "null"])).count() == 2
    assert (
        own.once(lambda c: c.execute("SELECT name FROM pg_prepared_statements WHERE name ~ 'claim|succeed'").fetchall())
        == []
    )
