"""`python -m tests.chaos`: see `--help`, and docs/chaos.md."""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from tests.chaos import isolation
from tests.chaos.plan import ALL, check_kinds
from tests.chaos.teeth import BREAKS

BROKERS = {"valkey": "redis", "rabbitmq": "rabbitmq"}
CANNOT_TELL = 2


def arguments() -> argparse.Namespace:
    summary = "Real processes under load, faults drawn from a seed, and a judge that knows nothing of the code."
    ends = "Exit code: 0 passed, 1 a promise was broken, 2 unknown: too little has landed to say anything."
    parser = argparse.ArgumentParser("python -m tests.chaos", description=summary, epilog=ends)
    parser.add_argument("--faults", type=int, default=60, metavar="N", help="end when N faults have landed")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed plans the same faults")
    parser.add_argument("--broker", choices=BROKERS, default="valkey")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object on stdout")
    parser.add_argument("--resume", type=Path, metavar="FILE", help="keep the figures in FILE, and go on from there")
    parser.add_argument("--kinds", type=names, default=ALL, metavar="KIND,…", help=f"only these of {', '.join(ALL)}")
    parser.add_argument("--only", type=names, default=(), metavar="LANE:PLACE,…", help="only these faults of the plan")
    parser.add_argument("--until", type=int, metavar="PLACE", help="only what is before this place in each lane")
    parser.add_argument("--evidence", type=Path, metavar="DIRECTORY", help="keep logs and histories here in any case")
    parser.add_argument(
        "--break", dest="mistake", choices=BREAKS, default="", help="make a mistake for the judge to find"
    )
    parser.add_argument("--window", type=int, default=30, metavar="N", help="drain and judge after every N faults")
    parser.add_argument("--shrink", action="store_true", help="repeat a failing run with fewer and fewer faults")
    asked = parser.parse_args()
    if asked.evidence and asked.evidence.exists() and any(asked.evidence.iterdir()):
        parser.error(
            f"{asked.evidence} is not empty: the judge would read another run's evidence. Name a new directory."
        )
    try:
        check_kinds(asked.kinds)
    except ValueError as error:
        parser.error(str(error))
    return asked


def names(text: str) -> list[str]:
    return [name for name in text.replace(",", " ").split() if name]


def main() -> int:
    asked = arguments()
    isolation.enter()
    isolation.prepare()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if asked.shrink:  # each run makes its own world
        from tests.chaos.shrink import shrink

        return shrink(sys.argv[1:])
    try:
        return perform(asked)
    except Exception:  # noqa: BLE001 - whatever it is, it says nothing about the product
        traceback.print_exc()
        return CANNOT_TELL


def perform(asked: argparse.Namespace) -> int:
    """Run, report, and keep the evidence of what did not pass."""
    from tests.chaos.campaign import Campaign, State
    from tests.chaos.report import CODES, PASSED
    from tests.chaos.screen import Screen
    from tests.chaos.war import Orders

    evidence = asked.evidence or Path(tempfile.mkdtemp(prefix="chaos-"))
    evidence.mkdir(parents=True, exist_ok=True)
    broker = BROKERS[asked.broker]
    orders = Orders(asked.seed, asked.kinds, asked.only, asked.until)
    with Screen() as screen:
        state = State.load(asked.resume, asked.seed, broker)
        with Campaign(
            orders, asked.faults, evidence, state, asked.resume, screen, asked.mistake, asked.window
        ) as campaign:
            signal.signal(signal.SIGINT, lambda *_: campaign.war.given_up.set())
            report = campaign.run()
    if report.verdict == PASSED and not asked.evidence:
        shutil.rmtree(evidence)
    else:
        report.evidence = str(evidence)
        (evidence / "report.json").write_text(json.dumps(report.as_dict(), indent=1))
    print("\n".join(report.lines()), file=sys.stderr)
    if asked.json:
        print(json.dumps(report.as_dict(), indent=1))
    return CODES[report.verdict]


if __name__ == "__main__":
    sys.exit(main())
