"""`python -m tests.explorer [--json] [--mutant NAME] [--list]`: explore the machine, or show what a lost rule costs."""

import argparse
import json
import sys
from dataclasses import asdict

from tests.explorer.configurations import CONFIGURATIONS, build
from tests.explorer.engine import Explored, explore
from tests.explorer.mutants import MUTANTS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.explorer", description="Explore all states of the machine.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mutant", metavar="NAME", help="take this rule out; 'all' takes out each in turn")
    parser.add_argument("--list", action="store_true", help="names of the rules that can be taken out")
    options = parser.parse_args()
    if options.list:
        print(*(f"{m.name}  [{m.configuration}]" for m in MUTANTS.values()), sep="\n")
        return 0
    if options.mutant:
        names = list(MUTANTS) if options.mutant == "all" else [options.mutant]
        return _removed(names, as_json=options.json)
    return _whole(as_json=options.json)


def _whole(*, as_json: bool) -> int:
    found = [explore(build(name)) for name in CONFIGURATIONS]
    if as_json:
        print(json.dumps([_plain(e) for e in found]))
    else:
        for explored in found:
            _show(explored)
        total = (sum(e.states for e in found), sum(e.transitions for e in found), sum(e.seconds for e in found))
        print("{:<12}{:>10,} states {:>10,} transitions {:>26.1f} s".format("together", *total))
    return int(any(e.violation for e in found))


def _removed(names: list[str], *, as_json: bool) -> int:
    """Exit code 1 where a removed rule was not missed."""
    if unknown := set(names) - set(MUTANTS):
        sys.exit(f"no rule is called {unknown.pop()!r}; --list shows them")
    found = {name: explore(build(MUTANTS[name].configuration, MUTANTS[name].cut)) for name in names}
    if as_json:
        print(json.dumps({name: _plain(e) for name, e in found.items()}))
    else:
        for name, explored in found.items():
            print(f"\nWithout its rule: {name}" + "  (open in the code today)" * MUTANTS[name].in_code)
            _show(explored)
    return int(not all(e.violation for e in found.values()))


def _show(e: Explored) -> None:
    sizes = f"{e.states:>10,} states {e.transitions:>10,} transitions {e.faults:>10,} faults"
    print(f"{e.name:<12}{sizes} {e.seconds:>7.1f} s")
    if e.violation:
        print(f"  violated: {e.violation.invariant}")
        for number, label in enumerate(e.violation.trace):
            print(f"  {number:>3}. {label}")


def _plain(e: Explored) -> dict[str, object]:
    plain = asdict(e)
    if e.violation:
        plain["violation"] = {"invariant": e.violation.invariant, "trace": list(e.violation.trace)}
    return plain


if __name__ == "__main__":
    sys.exit(main())
