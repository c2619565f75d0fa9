"""What the user can say to the demo."""

import argparse
from dataclasses import dataclass
from pathlib import Path

INVOICES = 2000


@dataclass(frozen=True)
class Options:
    """What the user asked for."""

    once: bool
    json: bool
    csv: Path | None
    invoices: int
    seed: int


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line; what cannot work is refused before anything is started."""
    summary = "Import invoices, sync each once to a hostile vendor, kill a worker meanwhile, report."
    parser = argparse.ArgumentParser(prog="bin/demo", description=summary)
    parser.add_argument("--once", action="store_true", help="end after the report instead of staying up until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object on stdout")
    parser.add_argument("--csv", type=existing_file, metavar="FILE", help="import this file (.csv, .csv.gz, .csv.xz)")
    parser.add_argument("--invoices", type=positive, default=INVOICES, metavar="N", help="size of the generated sample")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of the sample and of the vendor's faults")
    return Options(**vars(parser.parse_args(arguments)))


def existing_file(name: str) -> Path:
    """Return a file's absolute path: the programs that read it run elsewhere."""
    path = Path(name)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {name}")
    return path.resolve()


def positive(text: str) -> int:
    """Return a whole number above zero."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number above zero")
    return int(text)
