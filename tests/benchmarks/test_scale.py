"""What grows with the jobs that have run: no process, and no table beyond what is kept."""

import sys

from tests.benchmarks.test_benchmark import told

BOUND = 32  # bytes per job, because pages are counted whole; of the ids alone each child would keep 60
MEMORY = (sys.executable, "-m", "tests.benchmarks.memory_growth", "--jobs", "60000", "--bound", str(BOUND), "--json")
RETENTION = (sys.executable, "-m", "tests.benchmarks.retention", "--jobs", "20000", "--vacuum", "--json")
LONG_TRANSACTION = (sys.executable, "-m", "tests.benchmarks.long_transaction", "--jobs", "4000", "--json")
TOMBSTONE = 700  # bytes, indexes and all


def test_a_worker_keeps_nothing_of_the_jobs_that_it_has_run() -> None:
    found = told(MEMORY)
    assert not found["grows"]
    assert set(found["processes"]) == {"parent", "child 1", "child 2", "relay"}
    assert found["samples"][-1]["jobs"] == found["jobs"] == 60_000
    assert all(process["rss_last"] > process["pss_last"] > 10 for process in found["processes"].values())


def test_the_table_is_as_large_as_what_is_kept_and_a_tombstone_is_small() -> None:
    found = told(RETENTION)
    gone, kept = found["without_key"], found["with_key"]
    assert max(gone["table_mb_growth"], gone["all_indexes_mb_growth"]) <= 1.1
    assert 0 < kept["bytes_kept_per_job"] < TOMBSTONE
    for rounds in (gone["rounds"], kept["rounds"]):
        assert [r["jobs"] for r in rounds] == [1000] * 20
        assert sum(r["pruned"] for r in rounds) >= 18_000


def test_a_held_transaction_is_measured_by_claims_with_it_without_it_and_after_it() -> None:
    found = told(LONG_TRANSACTION)
    assert set(found["ratios"]) == {"held", "just_ended", "vacuumed"}
    assert all(found[when]["claim_ms_last"] > 0 for when in ("without", *found["ratios"]))
