"""Claims at the same moment: whoever waited for the queue's row must see what the other took."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from idempotency import queues
from idempotency.queues import Limits
from tests.records import claim, enqueue_plenty, own_connection

AT_ONCE = 6


@pytest.fixture
def connections(transactional_db):
    with own_connection() as first:
        others = [own_connection() for _ in range(AT_ONCE - 1)]
        yield [first, *(other.__enter__() for other in others)]
        for other in others:
            other.__exit__(None, None, None)


def claim_all_at_once(connections, limit=3):
    """What each of them takes; the first statement of all of them has begun before any other's row is seen."""
    start = Barrier(AT_ONCE)

    def take(connection):
        start.wait()
        return claim(connection, limit)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [batch for batch in pool.map(take, connections) if batch]


@pytest.mark.parametrize("turn", range(5))
def test_two_claims_at_once_never_take_two_jobs_of_an_account(connections, turn):
    queues.configure(connections[0], "default", "ledgerly", Limits(account_serial=True))
    for account in "ab":
        enqueue_plenty(connections[0], 20, account=f"{account}{turn}")
    taken = [c for batch in claim_all_at_once(connections) for c in batch]
    assert len(taken) == len({c.account_hash for c in taken}) <= 2


@pytest.mark.parametrize("turn", range(5))
def test_claims_at_once_share_the_slots(connections, turn):
    queues.configure(connections[0], "default", "ledgerly", Limits(calls_per_second=50, burst=1))
    enqueue_plenty(connections[0], 60 + turn)
    (before,) = connections[0].execute("SELECT clock_timestamp()").fetchone()
    taken = sum(map(len, claim_all_at_once(connections, 20)))
    (free_at,) = connections[0].execute("SELECT next_call_at FROM idempotency_queue").fetchone()
    assert taken >= 5
    assert (free_at - before).total_seconds() >= taken * 0.02


@pytest.mark.parametrize("turn", range(5))
def test_of_claims_at_once_one_gets_the_probe(connections, turn):
    queues.configure(connections[0], "default", "ledgerly", Limits())
    enqueue_plenty(connections[0], 20 + turn)
    connections[0].execute(
        "UPDATE idempotency_queue SET paused_at = now() - interval '9 s', paused_until = now() - interval '1 s'"
    )
    assert [len(batch) for batch in claim_all_at_once(connections)] == [1]
