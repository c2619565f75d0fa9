"""`python -m tests.benchmarks`: rounds of stock Celery and ours in turn, so that both meet the same weather."""

import argparse
import json
import sys
from collections.abc import Sequence

from tests.benchmarks import arena

FULL = {"rounds": 7, "jobs": 30_000}
QUICK = {"rounds": 3, "jobs": 15_000}
STOCK_SHARE = 10  # stock drains a tenth of our jobs: a round of each then takes about as long


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    with arena.opened() as opened:
        from tests.benchmarks import report

        found = report.summary(_play(opened, asked.rounds, asked.jobs))
    if asked.json:
        print(json.dumps(found))
    else:
        report.table(found)
    return 0 if found["all_accounted_for"] else 1


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="about a minute: 3 rounds of 15,000 jobs")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.add_argument("--rounds", type=int, help="rounds of each contender (7)")
    parser.add_argument("--jobs", type=int, help="our jobs in a round (30,000); stock gets a tenth")
    asked = parser.parse_args(arguments)
    for name, value in (QUICK if asked.quick else FULL).items():
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    return asked


def _play(opened: arena.Arena, rounds: int, jobs: int) -> list[tuple]:
    from tests.benchmarks import contenders
    from tests.benchmarks.rounds import run

    sides = (contenders.Stock(opened.programs), jobs // STOCK_SHARE), (contenders.Ours(opened.programs), jobs)
    played = []
    for number in range(rounds):
        pair = tuple(run(side, count, opened.counter, opened.servers) for side, count in sides)
        played.append(pair)
        stock, ours = (d.jobs_per_second for d in pair)
        print(f"round {number + 1} of {rounds}: stock {stock:,.0f}/s, ours {ours:,.0f}/s, ratio {ours / stock:.1f}",
              file=sys.stderr)  # fmt: skip
    return played


if __name__ == "__main__":
    sys.exit(main())
