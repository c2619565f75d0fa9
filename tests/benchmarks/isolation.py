"""`python -m tests.benchmarks.isolation`: does a bulk import that runs flat out make critical jobs wait?

Critical jobs arrive at a steady rate, one by one, as requests would send them. Measured is the wait of each from its
call to the start of its body, while `bulk-import` is idle and while tens of thousands of its jobs are being drained,
in turns, so that both meet the same weather. Each queue has its own worker pool, as `deploy/systemd` sets them up: that
of `bulk-import` takes smaller claims and stands behind all others, as `behind.py` says and `bulk_pool` in `--json`.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from statistics import median, quantiles
from typing import Any

from tests.benchmarks import arena, behind
from tests.janitor import Janitor
from tests.processes import Program

RATE = 20  # critical jobs a second
FULL = {"rounds": 10, "seconds": 15.0}
QUICK = {"rounds": 5, "seconds": 6.0}
FASTEST = 30_000  # jobs a second, that no pool of this size drains: the backlog of a period is never at its end
CRITICAL, BULK = "critical", "bulk-import"
CHILDREN = {CRITICAL: 2, BULK: 1}  # PostgreSQL works for a busy child as long as the child itself: that is one core
CLAIM = 50  # records in a claim of the bulk pool; all this as in `deploy/systemd`
LONGEST = 120.0


@dataclass(frozen=True)
class Period:
    """Some seconds of critical jobs. Waits are milliseconds."""

    saturated: bool  # bulk jobs were left at its end
    waits: Sequence[float]
    bulk_jobs_per_second: float

    def p(self, percent: int) -> float:
        return quantiles(self.waits, n=100, method="inclusive")[percent - 1]


class Pools:
    """The relay and one worker pool for each of the two queues."""

    def __init__(self, opened: arena.Arena, bulk_children: int, bulk_claim: int) -> None:
        self._programs = opened.programs
        self._counter = opened.counter
        self._programs.relay()
        self._worker(CRITICAL, CHILDREN[CRITICAL])
        self.bulk = self._worker(BULK, bulk_children, {"JOBS_BATCH_SIZE": str(bulk_claim)})

    def _worker(self, queue: str, children: int, environment: dict[str, str] | None = None) -> Program:
        celery = [sys.executable, "-m", "celery", "--app", "config", "worker"]
        options = ["--queues", queue, "--hostname", f"{queue}@%h", "--concurrency", str(children)]
        quiet = ["--without-gossip", "--without-mingle", "--loglevel", "INFO"]
        worker = self._programs.spawn(f"{queue}-worker", *celery, *options, *quiet, env=environment)
        worker.wait_for_log(" ready.")
        return worker

    def fill(self, jobs: int) -> None:
        """Put a backlog into the bulk queue, and hold it there until `release`."""
        from tests.benchmarks.tasks import noop

        _jobs("pause", BULK, "--reason", "the backlog is not complete")
        noop.using(queue=BULK).enqueue_many({"number": number} for number in range(jobs))

    def release(self) -> None:
        _jobs("resume", BULK)

    def take_back(self) -> None:
        """Whatever of the backlog nobody has begun: to drain it would take longer than to measure beside it."""
        from django.db import connection, transaction

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")  # a trigger keeps records from being lost
            cursor.execute("DELETE FROM idempotency_record WHERE queue = %s AND state = 'queued'", [BULK])
        with connection.cursor() as cursor:
            cursor.execute("VACUUM idempotency_record")  # claims would step over them in the next period

    def done(self) -> int:
        """Bulk jobs whose body has run."""
        return self._counter.value()


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    with behind.others() as put_behind, arena.opened() as opened, _waits_kept():
        pools = Pools(opened, asked.bulk_children, asked.bulk_claim)
        by = put_behind(pools.bulk.pid) if asked.bulk_weight == "idle" else behind.NOTHING
        found = _summary(_play(pools, asked))
    found["bulk_pool"] = {"children": asked.bulk_children, "claim": asked.bulk_claim, "behind_others_by": by}
    print(json.dumps(found) if asked.json else _text(found))
    return 0 if found["saturated_throughout"] else 1


@contextmanager
def _waits_kept() -> Iterator[None]:
    """The file of waits goes afterwards, even if this process is killed."""
    from tests.benchmarks import waits

    Janitor().remove(waits.path())
    try:
        yield
    finally:
        waits.path().unlink(missing_ok=True)


def _jobs(*arguments: str) -> None:
    from django.core.management import call_command

    call_command("jobs", *arguments, stdout=StringIO())


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.isolation", description=__doc__)
    parser.add_argument("--full", action="store_true", help="about ten minutes instead of two")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--rounds", type=int, help="of an idle and a saturated period each")
    parser.add_argument("--seconds", type=float, help="of a period")
    parser.add_argument("--backlog", type=int, help="bulk jobs at the start of a saturated period")
    parser.add_argument("--bulk-children", type=int, default=CHILDREN[BULK], help=f"of its pool ({CHILDREN[BULK]})")
    parser.add_argument("--bulk-claim", type=int, default=CLAIM, help=f"records at once ({CLAIM})")
    parser.add_argument("--bulk-weight", choices=["idle", "normal"], default="idle", help="of its pool (idle)")
    asked = parser.parse_args(arguments)
    for name, value in (FULL if asked.full else QUICK).items():
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    asked.backlog = asked.backlog or int(FASTEST * asked.seconds)
    return asked


def _play(pools: Pools, asked: argparse.Namespace) -> list[tuple[Period, Period]]:
    _warm_up(pools)
    played = []
    for number in range(asked.rounds):
        idle = _period(pools, asked.seconds, backlog=0)
        pools.fill(asked.backlog)
        busy = _period(pools, asked.seconds, asked.backlog)
        pools.take_back()
        _drain(pools)
        played.append((idle, busy))
        print(f"round {number + 1} of {asked.rounds}: p95 idle {idle.p(95):.1f} ms, saturated {busy.p(95):.1f} ms "
              f"beside {busy.bulk_jobs_per_second:,.0f} bulk jobs/s", file=sys.stderr)  # fmt: skip
    return played


def _warm_up(pools: Pools) -> None:
    """Every process connects, and claims find their size."""
    pools.fill(2_000)
    pools.release()
    _send(2.0)
    _drain(pools)


def _period(pools: Pools, seconds: float, backlog: int) -> Period:
    from tests.benchmarks import waits

    before = pools.done()
    if backlog:
        pools.release()
        _until(lambda: pools.done() > before, "the bulk pool is at work")
    done, began, seen = pools.done(), time.monotonic(), len(waits.read())
    sent = _send(seconds)
    reached = pools.done()
    rate = (reached - done) / (time.monotonic() - began)
    _until(lambda: len(waits.read()) == seen + sent, "every critical job has begun")
    return Period(reached < before + backlog, [(start - call) * 1000 for call, start in waits.read()[seen:]], rate)


def _send(seconds: float) -> int:
    """Critical jobs at their rate, whatever becomes of them; returns how many."""
    from tests.benchmarks.tasks import timed

    began, count = time.monotonic(), int(seconds * RATE)
    for number in range(count):
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        timed.enqueue(called=time.monotonic())
    return count


def _drain(pools: Pools) -> None:
    from idempotency.models import Record

    _until(lambda: not Record.objects.filter(state__in=("queued", "processing")).exists(), "all jobs are done")


def _until(reached, what: str) -> None:  # type: ignore[no-untyped-def]
    from tests.processes import wait_until

    wait_until(reached, LONGEST, what)


def _summary(played: Sequence[tuple[Period, Period]]) -> dict[str, Any]:
    """`ratio` is the median over the rounds of the saturated p95 by the idle one; `ratio_of_all` takes all jobs."""
    ratios = [busy.p(95) / idle.p(95) for idle, busy in played]
    idle, busy = (_together(side) for side in zip(*played, strict=True))
    return {
        "ratio": round(median(ratios), 2),
        "ratio_min": round(min(ratios), 2),
        "ratio_max": round(max(ratios), 2),
        "ratio_of_all": round(busy.p(95) / idle.p(95), 2),
        "wait_ms": {"idle": _waits(idle), "saturated": _waits(busy)},
        "bulk_jobs_per_second": round(busy.bulk_jobs_per_second),
        "saturated_throughout": all(busy.saturated for _, busy in played),
        "critical_jobs": len(idle.waits) + len(busy.waits),
        "rounds": [{"ratio": round(r, 2), "idle": _waits(i), "saturated": _waits(b)}
                   for r, (i, b) in zip(ratios, played, strict=True)],
    }  # fmt: skip


def _together(periods: Sequence[Period]) -> Period:
    waits = [wait for period in periods for wait in period.waits]
    return Period(all(p.saturated for p in periods), waits, median(p.bulk_jobs_per_second for p in periods))


def _waits(period: Period) -> dict[str, float]:
    return {f"p{percent}": round(period.p(percent), 1) for percent in (50, 95, 99)}


def _text(found: dict[str, Any]) -> str:
    idle, busy = found["wait_ms"]["idle"], found["wait_ms"]["saturated"]
    lines = [f"{found['critical_jobs']} jobs on critical, {RATE} a second, from call to start of the body, ms"]
    lines += [f"{name:>4}  idle {idle[name]:7.1f}   beside a saturated {BULK} {busy[name]:7.1f}" for name in idle]
    lines.append(f"ratio of the p95 {found['ratio']} [{found['ratio_min']} to {found['ratio_max']}], "
                 f"beside {found['bulk_jobs_per_second']:,} bulk jobs/s")  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
