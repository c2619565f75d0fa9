"""`manage.py vendor_simulator`: Ledgerly, on this machine."""

import asyncio
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing_sync.vendor_simulator.ledger import LedgerError
from billing_sync.vendor_simulator.rates import INVALID, PROFILES, Fault, Severity, parse_rates
from billing_sync.vendor_simulator.server import Conditions
from billing_sync.vendor_simulator.serving import serve


class Command(BaseCommand):
    help = "Run a simulated billing vendor on the loopback address: faulty as asked, with a ledger of its effects."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
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

    def handle(self, *_: Any, **options: Any) -> None:
        severity = Severity(**{name: options[name] for name in Severity.__slots__})
        try:
            rates = parse_rates(options["faults"], options["seed"])
        except ValueError as error:
            raise CommandError(f"--faults: {error}") from error
        conditions = Conditions(ledger=options["ledger"], api_key=options["api_key"], rates=rates, severity=severity)
        try:
            asyncio.run(serve(conditions, options["port"], ready=self._announce))
        except LedgerError as error:
            raise CommandError(str(error)) from error
        except (OSError, OverflowError) as error:
            message = f"Port {options['port']} cannot be used ({error}). Take another, or --port 0 for a free one."
            raise CommandError(message) from error

    def _announce(self, url: str) -> None:
        self.stdout.write(f"Vendor simulator is ready: {url}")
        self.stdout.flush()
