"""The observations side by side: for eyes, for machines and for docs/peers.md."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tests.peers.scenarios import Observation, Scenario

Cells = Mapping[str, Observation]  # by the system's label
MARKS = {True: "✓", False: "✗", None: "n/a:"}
COLOURS = {True: "green", False: "red", None: "dim"}


def printed(found: Mapping[str, Cells], scenarios: Sequence[Scenario], labels: Sequence[str]) -> None:
    table = Table(title="The same scenarios, the same servers, real SIGKILL", show_lines=True)
    table.add_column("scenario")
    for label in labels:
        table.add_column(label)
    for scenario in scenarios:
        cells = (found[scenario.name][label] for label in labels)
        table.add_row(scenario.title, *(f"[{COLOURS[c.met]}]{MARKS[c.met]} {c.text}[/]" for c in cells))
    Console(width=max(Console().width, 40 * (len(labels) + 1))).print(table)


def markdown(found: Mapping[str, Cells], scenarios: Sequence[Scenario], labels: Sequence[str]) -> str:
    rows = [["", *labels], ["---"] * (len(labels) + 1)]
    for scenario in scenarios:
        cells = (found[scenario.name][label] for label in labels)
        rows.append([scenario.title, *(f"{MARKS[c.met]} {c.text}".replace("|", "/") for c in cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
