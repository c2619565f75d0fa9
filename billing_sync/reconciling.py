"""Invoices against the vendor's books: what differs, and how each difference is mended."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from billing_sync import ledgerly
from billing_sync.models import Invoice

CHUNK = 100  # invoices that one job looks at: each is a question to the vendor, and a job must end within its limit


@dataclass(frozen=True, slots=True)
class Drift:
    """One revision of an invoice that the vendor does not hold as our table says."""

    account_id: int
    external_invoice_id: str
    revision: int

    @property
    def parameters(self) -> dict[str, Any]:
        """Those of `SyncInvoice`."""
        return {name: getattr(self, name) for name in self.__slots__}


def chunk(after: int) -> list[Invoice]:
    """The next invoices behind this primary key."""
    return list(Invoice.objects.filter(pk__gt=after).select_related("account").order_by("pk")[:CHUNK])


def drifted(invoices: list[Invoice]) -> Iterator[Drift]:
    """Ask the vendor about each."""
    for invoice in invoices:
        account_id = invoice.account.customer_id
        held = ledgerly.find(invoice.kind, ledgerly.external_id(account_id, invoice.number), invoice.revision)
        noted = invoice.vendor_id if invoice.synced_revision == invoice.revision else None
        if (held and held["id"]) != noted or noted is None:
            yield Drift(account_id, invoice.number, invoice.revision)
