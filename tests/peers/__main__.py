"""`python -m tests.peers`: other packages and ours in the same scenarios, side by side.

Installs each package into an environment of its own, kept in the cache directory, so it needs a package registry.
It takes about ten minutes and is no part of `bin/test`.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from tests.peers import table
from tests.peers.scenarios import ALL as SCENARIOS
from tests.peers.scenarios import Observation, Scenario
from tests.peers.stage import Servers, opened
from tests.peers.systems import ALL as SYSTEMS
from tests.peers.systems import System


def main(arguments: Sequence[str] | None = None) -> int:
    asked = _parsed(arguments)
    systems = [s for s in SYSTEMS if not asked.only or s.name in asked.only]
    scenarios = [s for s in SCENARIOS if not asked.scenario or s.name in asked.scenario]
    labels = {system.name: system.label for system in systems}
    found: dict[str, dict[str, Observation]] = {scenario.name: {} for scenario in scenarios}
    with opened() as servers:
        for system in systems:
            for scenario in scenarios:
                _say(f"{labels[system.name]}: {scenario.name} …")
                observed = found[scenario.name][labels[system.name]] = _play(servers, system, scenario, asked.patience)
                _say(f"    {table.MARKS[observed.met]} {observed.text}")
    _show(asked, found, scenarios, list(labels.values()))
    return 0 if all(cells.get("ours", Observation("", None)).met is not False for cells in found.values()) else 1


def _play(servers: Servers, system: System, scenario: Scenario, patience: float) -> Observation:
    if scenario.name in system.lacks:
        return Observation(system.lacks[scenario.name], None)
    try:
        with servers.stage(system) as stage:
            return scenario.play(stage, patience)
    except Exception as error:  # noqa: BLE001 - a system that cannot be tried must not hide what the others do
        _say(str(error))
        return Observation(f"could not be tried: {type(error).__name__}", False)


def _show(asked: argparse.Namespace, found: dict, scenarios: Sequence[Scenario], labels: Sequence[str]) -> None:
    if asked.json:
        cells = {name: {label: asdict(o) for label, o in row.items()} for name, row in found.items()}
        print(json.dumps(cells))
    elif asked.markdown:
        print(table.markdown(found, scenarios, labels))
    else:
        table.printed(found, scenarios, labels)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.peers", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="NAME", choices=[s.name for s in SYSTEMS], help="these systems")
    parser.add_argument("--scenario", nargs="+", metavar="NAME", choices=[s.name for s in SCENARIOS])
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for what may never come (60)")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object on standard output")
    shape.add_argument("--markdown", action="store_true", help="the table as docs/peers.md has it")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
