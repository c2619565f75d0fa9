"""Accounting: every line and every invoice of a file comes to exactly one named end."""

from collections import Counter
from typing import Any

from billing_sync.importing.lines import NO_INVOICE
from billing_sync.importing.reasons import WITH_ITS_INVOICE
from billing_sync.importing.sql import Row

NEW, CHANGED, UNCHANGED = "new", "changed", "unchanged"
# A file that was staged later has already said what this invoice looks like.
SUPERSEDED = "superseded"
ACCEPTED = (NEW, CHANGED, UNCHANGED, SUPERSEDED)

Outcomes = dict[str, Any]


def with_outcomes(before: Outcomes, lengths: dict[str, int], rejects: list[Row], invoices: list[Row]) -> Outcomes:
    """`before` and one chunk's invoices (number → count of lines). The first refused line names its invoice's end."""
    after: dict[str, Counter[str]] = {kind: Counter(counts) for kind, counts in before.items()}
    ends = dict.fromkeys(lengths, SUPERSEDED)
    ends |= {invoice["number"]: _accepted(invoice) for invoice in invoices}
    ends |= {reject["invoice_no"]: reject["reason"] for reject in reversed(rejects)}
    refused_lines = Counter(reject["invoice_no"] for reject in rejects)
    after["lines"].update(reject["reason"] for reject in rejects)
    for number, length in lengths.items():
        after["lines"][WITH_ITS_INVOICE if refused_lines[number] else ends[number]] += length - refused_lines[number]
        if number != NO_INVOICE:
            after["invoices"][ends[number]] += 1
            after["credit_notes"][ends[number]] += number.startswith("C")
    return {kind: dict(+counts) for kind, counts in after.items()}


def _accepted(invoice: Row) -> str:
    if not invoice["revised"]:
        return UNCHANGED
    return NEW if invoice["revision"] == 1 else CHANGED
