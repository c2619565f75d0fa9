"""The harness itself, with tiny numbers. What the machine can do is for people to measure, not for tests to demand."""

import json
import os
import subprocess
import sys
from typing import Any

from tests.benchmarks import page
from tests.benchmarks.report import Run, machine
from tests.processes import ROOT

COMMAND = (sys.executable, "-m", "tests.benchmarks", "--work", "drain-quiet,enqueue", "--rounds", "1", "--jobs", "400")
HERE = ("--peers", "none", "--json")  # what has to be installed first is for people
BACKLOG = (sys.executable, "-m", "tests.benchmarks.backlog", "--jobs", "20000", "--claims", "3", "--json")
PERIODS = ("--rounds", "1", "--seconds", "1", "--backlog", "30000")
ISOLATION = (sys.executable, "-m", "tests.benchmarks.isolation", *PERIODS, "--json")
DELAYS = (sys.executable, "-m", "tests.benchmarks.delays", "--jobs", "2000", "--looks", "5", "--json")
REVIEW = (sys.executable, "-m", "tests.benchmarks.review", "--jobs", "400", "--fetches", "2", "--json")


def told(command: tuple[str, ...]) -> dict[str, Any]:
    # A program of its own: it configures Django and starts servers, which this process has done already.
    environment = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "BROKER_URL")}
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-8000:]
    return json.loads(done.stdout)


def test_each_work_says_how_ours_compares_with_a_peer_round_by_round() -> None:
    found = told((*COMMAND, *HERE))
    runs = {(run["work"], run["peer"]): run for run in found["runs"]}
    assert set(runs) == {("drain-quiet", "celery"), ("enqueue", "celery-after-insert"), ("enqueue", "celery")}
    for run in runs.values():
        assert 0 < run["ratio_min"] <= run["ratio_median"] <= run["ratio_max"]
        assert run["rounds"] == 1
    assert set(runs["drain-quiet", "celery"]["cpu_us_per_job"]["ours"]) == {"workers", "postgres", "broker"}
    assert {"cpus", "processor", "kernel", "versions"} <= set(found["machine"])


def test_a_run_writes_its_figures_between_the_marks_of_the_page_and_draws_them(tmp_path, monkeypatch) -> None:
    for name in ("PAGE", "README"):
        (tmp_path / name).write_text(f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n")
        monkeypatch.setattr(page, name, tmp_path / name)
    monkeypatch.setattr(page, "CHARTS", tmp_path)
    drained = Run("drain", "celery", [(9000.0, 500.0), (8000.0, 450.0)], "jobs/s", bar=12, load=[0.5, 0.7])
    called = Run("enqueue", "celery-after-insert", [(1.0, 1.5)], "ms/call", bar=1.2, low=True, load=[0.5])
    page.write([drained.as_json()], machine())
    page.write([called.as_json()], machine())
    for name in ("PAGE", "README"):
        text = (tmp_path / name).read_text()
        assert text.startswith("before\n")
        assert text.endswith("after\n")
        assert "old" not in text
        assert "| 17.89 (17.78 to 18) | ≥ 12 ✓ | 2 | 0.5 to 0.7 |" in text
        assert "| 0.6667 (0.6667 to 0.6667) | ≤ 1.2 ✓ |" in text
    assert "jobs per second" in (tmp_path / "drain.svg").read_text()
    assert (tmp_path / "bars.svg").stat().st_size > 1000


def test_a_backlog_fills_neither_the_broker_nor_its_producers_memory() -> None:
    found = told(BACKLOG)
    assert found["backlog"]["broker_growth_mb"] < 5
    assert found["backlog"]["producer_rss_span_mb"] < 5
    assert found["one_call"]["jobs"] == 20_000
    assert set(found["claim_ms"]) == {"1000_due", "many_due_of_1_account", "many_due_of_10000_accounts"}
    assert all(side["p95"] >= side["p50"] > 0 for side in found["claim_ms"].values())
    assert found["enqueue_us"].keys() == {"unbounded", "bounded"}
    assert found["look_ms"] > 0


def test_isolation_is_measured_beside_a_bulk_queue_that_is_never_empty() -> None:
    found = told(ISOLATION)
    assert found["saturated_throughout"]
    assert found["critical_jobs"] == 2 * 20
    assert found["bulk_jobs_per_second"] > 0
    assert all(0 < wait["p50"] <= wait["p95"] for wait in found["wait_ms"].values())
    assert found["ratio_min"] <= found["ratio"] <= found["ratio_max"]


def test_pages_of_review_are_measured_alone_and_while_a_bulk_replay_runs() -> None:
    found = told(REVIEW)
    assert found["dead_letters"] == 400
    assert found["replayed_per_s"] > 0
    assert all(
        found[page]["p50"] > 0 for page in ("inbox_ms", "index_alone_ms", "index_during_ms", "bulk_page_during_ms")
    )


def test_delayed_jobs_are_measured_by_what_they_add_to_a_claim_and_to_a_relays_look() -> None:
    found = told(DELAYS)
    assert found["delayed_jobs"] == 2000
    for work in ("claim_ms", "relay_ms"):
        assert found[work]["without"] > 0
        assert found[work]["with"] > 0
        assert found[work]["ratio"] > 0
