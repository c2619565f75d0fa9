"""`manage.py jobs <verb>`: the one command line for operators."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from jobs.cli import VERBS

STAY = {"relay", "exporter", "watch"}


class Command(BaseCommand):
    help = "Operate background jobs. `manage.py jobs VERB --help` tells about each verb."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        for name, verb in VERBS.items():
            sub = verbs.add_parser(name, help=verb.help, description=verb.help)
            sub.add_argument("--json", action="store_true", help="print JSON instead of text")
            verb.add_arguments(sub)

    def execute(self, *args: Any, **options: Any) -> str | None:
        """A setting that is wrong must keep nobody from pausing a queue: checks are for what is started, and stays."""
        stays = options["verb"] in STAY and not options.get("once")
        options["skip_checks"] = options.get("skip_checks") or not stays
        return super().execute(*args, **options)

    def handle(self, *_: Any, verb: str, **options: Any) -> None:
        VERBS[verb].handle(self, **options)
