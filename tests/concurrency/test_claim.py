"""Many workers at once: no record is claimed twice, and none is left."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from idempotency import transitions
from tests.records import assert_balanced, claim, claim_lone, enqueue_plenty, own_connection, rows

RECORDS, WORKERS = 2000, 6
LONE = 60  # records, one after the other


def test_no_two_claims_share_a_record(transactional_db):
    def drain(number):
        taken = []
        with own_connection(f"worker {number}") as connection:
            while batch := claim(connection, limit=1 + 7 * number):
                taken += [c.id for c in batch]
                transitions.succeed(connection, batch, ["1"] * len(batch))
        return taken

    with own_connection() as own:
        ids = enqueue_plenty(own, RECORDS)
        with ThreadPoolExecutor(WORKERS) as pool:
            taken = Counter(id_ for ids in pool.map(drain, range(WORKERS)) for id_ in ids)
        while batch := claim(own, limit=100):  # a claim passes over what others hold at that moment
            taken.update(c.id for c in batch)
            transitions.succeed(own, batch, ["1"] * len(batch))
        assert taken == Counter(ids)
        assert set(rows(own, "attempt").values()) == {1}
        assert_balanced(own)


def test_of_many_who_race_for_a_lone_record_one_gets_it_by_whichever_way(transactional_db):
    """Every second worker asks the short way and the others the long one."""
    with own_connection() as own, ExitStack() as open_ones, ThreadPoolExecutor(WORKERS) as pool:
        workers = [open_ones.enter_context(own_connection(f"worker {number}")) for number in range(WORKERS)]
        ways = (claim_lone, claim)
        for _ in range(LONE):
            ids = enqueue_plenty(own, 1)
            batches = pool.map(lambda n: ways[n % 2](workers[n]), range(WORKERS))
            taken = [c for batch in batches for c in batch]
            assert [c.id for c in taken] == ids
            assert transitions.succeed(own, taken, ["1"]) == set(ids)
        assert set(rows(own, "attempt", "fencing_token").values()) == {(1, 1)}
        assert_balanced(own)
