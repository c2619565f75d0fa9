"""`manage.py vendor_simulator`: Ledgerly, on this machine."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing_sync.vendor_simulator.command import HELP, CannotStartError, add_arguments, run


class Command(BaseCommand):
    help = HELP
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_arguments(parser)

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            run(options)
        except CannotStartError as error:
            raise CommandError(str(error)) from error
