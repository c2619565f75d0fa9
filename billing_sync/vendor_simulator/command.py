"""The simulator's command line, for `manage.py vendor_simulator` and, without Django, `python -m`."""

import asyncio
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from billing_sync.vendor_simulator.ledger import LedgerError
from billing_sync.vendor_simulator.rates import INVALID, PROFILES, Fault, Severity, parse_rates
from billing_sync.vendor_simulator.server import Conditions
from billing_sync.vendor_simulator.serving import serve

HELP = "Run a simulated billing vendor on the loopback address: faulty as asked, with a ledger of its effects."


class CannotStartError(Exception):
    """What was asked for is not possible; the message says what to ask for instead."""


def add_arguments(parser: ArgumentParser) -> None:
    faults = f"profiles: {', '.join(PROFILES)}; rates: {', '.join([*Fault, INVALID])}"
    usual = Severity()
    parser.add_argument("--port", type=int, default=8400, help="0 takes a free one")
    parser.add_argument("--ledger", type=Path, required=True, metavar="FILE.sqlite3", help="continued if it exists")
    parser.add_argument("--api-key", default="", help="without one, everybody may call")
    parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same faults")
    parser.add_argument("--faults", default="none", metavar="PROFILE,NAME=RATE,…", help=faults)
    parser.add_argument("--hold", type=float, default=usual.hold, metavar="SECONDS", help="of a time-out")
    parser.add_argument("--drip", type=float, default=usual.drip, metavar="SECONDS", help="of a slow answer")
    parser.add_argument("--retry-after-max", type=float, default=usual.retry_after_max, metavar="SECONDS")
    parser.add_argument("--absurd-retry-after", action="store_true", help="also ask for centuries, and in words")


def run(options: Mapping[str, Any]) -> None:
    """Serve until told to stop. Raises CannotStartError."""
    severity = Severity(**{name: options[name] for name in Severity.__slots__})
    try:
        rates = parse_rates(options["faults"], options["seed"])
    except ValueError as error:
        raise CannotStartError(f"--faults: {error}") from error
    conditions = Conditions(ledger=options["ledger"], api_key=options["api_key"], rates=rates, severity=severity)
    try:
        asyncio.run(serve(conditions, options["port"], ready=_announce))
    except LedgerError as error:
        raise CannotStartError(str(error)) from error
    except (OSError, OverflowError) as error:
        message = f"Port {options['port']} cannot be used ({error}). Take another, or --port 0 for a free one."
        raise CannotStartError(message) from error


def _announce(url: str) -> None:
    print(f"Vendor simulator is ready: {url}", flush=True)  # noqa: T201 - it is what a command says
