"""An invoice as the vendor wants it. One revision always gives the same document, byte for byte."""

from typing import Any

from billing_sync.ledgerly import external_id
from billing_sync.models import InvoiceLine


def vendor_document(account_id: int, number: str) -> dict[str, Any] | None:
    """The present revision of the invoice, or None if there is none.

    Amounts are decimal strings. One statement reads invoice and lines, so they are of the same revision.
    """
    lines = list(
        InvoiceLine.objects.filter(invoice__account__customer_id=account_id, invoice__number=number)
        .select_related("invoice")
        .order_by("position")
    )
    if not lines:
        return None
    invoice = lines[0].invoice
    return {
        "external_id": external_id(account_id, number),
        "revision": invoice.revision,
        "kind": invoice.kind,
        "number": invoice.number,
        "account": {"external_id": str(account_id), "country": invoice.country},
        "issued_at": invoice.issued_at.isoformat(),
        "currency": invoice.currency,
        "total": str(invoice.total),
        "lines": [_line(line) for line in lines],
    }


def _line(line: InvoiceLine) -> dict[str, Any]:
    return {
        "position": line.position,
        "stock_code": line.stock_code,
        "description": line.description,
        "quantity": line.quantity,
        "unit_price": str(line.unit_price),
    }
