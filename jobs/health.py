"""`python -m jobs.health`: exit code 0 where the process that writes the file is alive; with `--ready`, takes work too.

For probes of containers. It reads one file: neither the broker nor the database is asked, and Django is not loaded.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path

from jobs.heartbeat import FILE, Beat, path

LONGEST = 30.0  # seconds without a beat: a machine that swaps makes a living process late by less


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser("python -m jobs.health", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help=f"default: what {FILE} names")
    parser.add_argument("--ready", action="store_true", help="ask whether it takes work")
    parser.add_argument("--within", type=float, default=LONGEST, metavar="SECONDS", help=f"default {LONGEST:g}")
    asked = parser.parse_args(arguments)
    trouble = wrong(asked.file or path(), ready=asked.ready, within=asked.within)
    sys.stdout.write(f"{trouble or 'fine'}\n")
    return 1 if trouble else 0


def wrong(file: Path | None, *, ready: bool, within: float) -> str | None:
    """What is wrong, in one sentence; None where nothing is."""
    if file is None:
        return f"no file is named: set {FILE} for the worker and for this probe"
    try:
        beat = Beat(**json.loads(file.read_text()))
    except (OSError, ValueError, TypeError) as error:
        return f"{file} cannot be read, so nothing has started here: {error}"
    if not _runs(beat.pid):
        return f"process {beat.pid} is gone"
    if (age := time.monotonic() - beat.at) > within:
        return f"process {beat.pid} has not been heard of for {age:.0f} s"
    return f"not ready: {beat.why}" if ready and not beat.ready else None


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())
