"""The vendor's side of the books, read from its own ledger."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from billing_sync.ledgerly import external_id
from billing_sync.models import Invoice
from billing_sync.vendor_simulator.ledger import Document, effects


@dataclass(frozen=True)
class Ledger:
    """How many effects each document has had at the vendor."""

    by_document: Counter[Document]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the vendor's file."""
        return cls(effects(path))

    @property
    def effects(self) -> int:
        """All effects there are."""
        return self.by_document.total()

    @property
    def duplicates(self) -> int:
        """Effects beyond the first of a document."""
        return self.effects - len(self.by_document)

    def missing(self, payloads: Iterable[dict[str, Any]]) -> int:
        """Return how many of these jobs have no effect here."""
        return sum(not self.by_document[document_of(**payload)] for payload in payloads)


def document_of(*, account_id: int, external_invoice_id: str, revision: int) -> Document:
    """Return what a job's effect is known by at the vendor."""
    kind = Invoice.kind_of(external_invoice_id)
    return Document(kind, external_id(account_id, external_invoice_id), revision)
