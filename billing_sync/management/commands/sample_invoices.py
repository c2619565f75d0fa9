"""`manage.py sample_invoices FILE`: something to import."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing_sync.sample import write_sample


class Command(BaseCommand):
    help = "Write a sample file of invoices, dirt included, for import_invoices. The same seed gives the same file."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv[.gz]")
        parser.add_argument("--invoices", type=int, default=2000, metavar="COUNT")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--json", action="store_true", help="print what the file holds as one JSON object")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["invoices"] < 1:
            raise CommandError("--invoices must be 1 or more.")
        try:
            planted = write_sample(options["file"], invoices=options["invoices"], seed=options["seed"])
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}. Name a file that can be written.") from error
        if options["json"]:
            self.stdout.write(json.dumps(planted))
        else:
            what = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in planted.items())
            self.stdout.write(f"{options['file']}: {what}.")
