"""`manage.py import_invoices FILE`: the file is staged here, a worker does the rest."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from billing_sync.importing.report import report, show, write_rejects
from billing_sync.importing.source import Source, UnusableFileError
from billing_sync.importing.staging import stage
from billing_sync.importing.watching import ImportFailedError, wait_until_done
from billing_sync.models import Import

INTERRUPTED = 130  # what a shell reports for a program that Ctrl-C ended


class Command(BaseCommand):
    help = "Import invoices from a CSV file, as it is or compressed by gzip or xz. The same file twice adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE.csv[.gz|.xz]")
        parser.add_argument("--no-wait", action="store_true", help="return once the file is staged")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
        parser.add_argument(
            "--rejects", type=Path, metavar="OUT.csv", help="write every refused line, and why, to OUT.csv"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        if options["no_wait"] and options["rejects"]:
            raise CommandError("--rejects needs the finished import. Leave out --no-wait.")
        with _progress_bar() as bar:
            held, new = self._stage(options["file"], bar)
            if not new:
                bar.console.print(
                    f"This file is import {held.pk} already, of {held.created_at:%F %T} UTC. Nothing is added."
                )
            if not options["no_wait"]:
                self._wait(held, bar)
        if options["rejects"]:
            self._write_rejects(held, options["rejects"])
        self._print(held, new=new, as_json=options["json"])

    def _stage(self, path: Path, bar: Progress) -> tuple[Import, bool]:
        try:
            with Source(path) as source:
                reading = bar.add_task("reading", total=source.size)
                return stage(source, lambda position: bar.update(reading, completed=position))
        except UnusableFileError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as interrupt:
            raise CommandError(
                "Interrupted while reading. Nothing was imported.", returncode=INTERRUPTED
            ) from interrupt

    def _wait(self, held: Import, bar: Progress) -> None:
        importing = bar.add_task("importing", total=held.lines, completed=held.lines_done)
        try:
            wait_until_done(held, lambda lines: bar.update(importing, completed=lines), warn=bar.console.print)
        except ImportFailedError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as interrupt:
            message = (
                f"You no longer watch import {held.pk}; the workers go on with it. Run the same command to watch again."
            )
            raise CommandError(message, returncode=INTERRUPTED) from interrupt

    def _write_rejects(self, held: Import, path: Path) -> None:
        try:
            write_rejects(held, path)
        except OSError as error:
            message = (
                f"{path}: {error.strerror}. The import is done; run the same command with another file for --rejects."
            )
            raise CommandError(message) from error

    def _print(self, held: Import, *, new: bool, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report(held) | {"new": new}))
            return
        console = Console(highlight=False)
        with console.capture() as text:
            show(held, console)
        self.stdout.write(text.get())


def _progress_bar() -> Progress:
    """On stderr, so that the report can be piped."""
    columns = (TextColumn("{task.description:>9}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True, highlight=False, soft_wrap=True))
