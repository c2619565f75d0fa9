"""What became of a file: as data for machines, as tables for people."""

import csv
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from billing_sync.importing.outcomes import ACCEPTED, CHANGED, NEW
from billing_sync.importing.reasons import REMEDIES
from billing_sync.models import Import, ImportReject

SHOWN_REJECTS = 10


def report(done: Import) -> dict[str, Any]:
    """Totals, then every end by name. `unaccounted` is what no name stands for: 0 once the import is done."""
    invoices, credit_notes, lines = (done.outcomes[kind] for kind in ("invoices", "credit_notes", "lines"))
    return {
        "import": done.pk,
        "file": done.file_name,
        "sha256": done.sha256,
        "state": done.state,
        "lines": done.lines,
        "invoices": sum(invoices.values()),
        "credit_notes": sum(credit_notes.values()),
        "rejected": _rejected(invoices),
        "rejected_credit_notes": _rejected(credit_notes),
        "enqueued": invoices.get(NEW, 0) + invoices.get(CHANGED, 0),
        "unaccounted": done.lines - sum(lines.values()),
        "outcomes": done.outcomes,
    }


def _rejected(counts: dict[str, int]) -> int:
    return sum(count for end, count in counts.items() if end not in ACCEPTED)


def show(held: Import, console: Console) -> None:
    if held.state != Import.State.DONE:
        console.print(
            f"{held.file_name} (import {held.pk}): {held.lines:,} lines are staged, {held.lines_done:,} of them "
            "imported. The workers go on with it; run the same command to see how far they are.",
            markup=False,
            soft_wrap=True,
        )
        return
    facts = report(held)
    console.print(
        f"{facts['file']} (import {facts['import']}): {facts['lines']:,} lines, {facts['invoices']:,} invoices of "
        f"which {facts['credit_notes']:,} credit notes; {facts['enqueued']:,} to be synced, "
        f"{facts['rejected']:,} rejected.",
        markup=False,
        soft_wrap=True,
    )
    console.print(_ends(held.outcomes))
    rejects = ImportReject.objects.filter(source=held).order_by("line")
    if count := rejects.count():
        console.print(_refused(list(rejects[:SHOWN_REJECTS]), count))
    if facts["unaccounted"]:
        console.print(
            f"{facts['unaccounted']:,} lines are unaccounted for: this is a fault of the importer, report it."
        )


def _ends(outcomes: dict[str, Any]) -> Table:
    table = Table("what became of them", title="Every line and invoice", title_justify="left")
    for kind in ("invoices", "credit notes", "lines"):
        table.add_column(kind, justify="right")
    table.add_column("what to do")
    names = [*ACCEPTED, *REMEDIES]
    for name in names:
        counts = [outcomes[kind].get(name, 0) for kind in ("invoices", "credit_notes", "lines")]
        if any(counts):
            table.add_row(name, *(f"{count:,}" for count in counts), REMEDIES.get(name, ""))
    return table


def _refused(rejects: list[ImportReject], count: int) -> Table:
    shown = (
        f"the first {SHOWN_REJECTS} of {count:,}; --rejects FILE writes all" if count > SHOWN_REJECTS else f"{count}"
    )
    table = Table(
        "line", "invoice", "column", "reason", "value", title=f"Refused lines ({shown})", title_justify="left"
    )
    for reject in rejects:
        table.add_row(str(reject.line), *map(escape, (reject.invoice_no, reject.column, reject.reason, reject.value)))
    return table


def write_rejects(done: Import, path: Path) -> None:
    """Every refused line as CSV: where it is, what is wrong, what stood there."""
    columns = ("line", "invoice_no", "column", "reason", "value")
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(ImportReject.objects.filter(source=done).order_by("line").values_list(*columns).iterator())
