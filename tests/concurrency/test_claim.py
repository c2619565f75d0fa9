"""Many workers at once: no record is claimed twice, and none is left."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from idempotency import transitions
from tests.records import assert_balanced, claim, enqueue_plenty, own_connection, rows

RECORDS, WORKERS = 2000, 6


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
