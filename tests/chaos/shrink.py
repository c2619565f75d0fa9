"""Makes a failing run small: the same seed with fewer and fewer of its faults, as long as it still fails."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

ROUNDS = 30  # runs at most; each takes half a minute and more


def shrink(arguments: Sequence[str]) -> int:
    """Repeat the run of these arguments; print the `--only` of the smallest one that failed. Returns its exit code."""
    arguments = [argument for argument in arguments if argument != "--shrink"]
    code, faults = attempt(arguments)
    if code != 1:
        say(f"the run has not failed (exit code {code}): there is nothing to shrink")
        return code
    few = smallest(faults, lambda some: attempt([*arguments, "--only", ",".join(some)])[0] == 1)
    say(f"fails with {len(few)} of {len(faults)} faults: --only {','.join(few)}")
    return code


def smallest(faults: list[str], fails: Callable[[list[str]], bool]) -> list[str]:
    """Leave out ever smaller parts of the faults while what remains still fails."""
    rounds, parts = 0, 2
    while len(faults) > 1 and rounds < ROUNDS:
        size = -(-len(faults) // parts)
        for start in range(0, len(faults), size):
            rest = faults[:start] + faults[start + size :]
            rounds += 1
            if rest and fails(rest):
                faults, parts = rest, max(2, parts - 1)
                break
        else:
            if parts >= len(faults):
                break
            parts = min(len(faults), parts * 2)
    return faults


def attempt(arguments: Sequence[str]) -> tuple[int, list[str]]:
    """Run; returns the exit code and the names of the faults that landed."""
    with tempfile.TemporaryDirectory(prefix="chaos-shrink-") as place:
        command = [sys.executable, "-m", "tests.chaos", *arguments, "--evidence", place]
        code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
        log = Path(place) / "faults.jsonl"
        inflicted = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    faults = [name for name, _kind, target, *_ in inflicted if target != "missed"]
    say(f"exit code {code} with {len(faults)} landed faults: {' '.join(faults)}")
    return code, faults


def say(text: str) -> None:
    print(f"shrink: {text}", file=sys.stderr, flush=True)
