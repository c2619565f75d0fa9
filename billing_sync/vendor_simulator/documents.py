"""What the vendor accepts as an invoice or credit note."""

import hashlib
import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from billing_sync.vendor_simulator.ledger import Document

COLLECTIONS = {"/v1/invoices": "invoice", "/v1/credit-notes": "credit_note"}
PENNY = Decimal("0.01")


class RefusedDocumentError(Exception):
    """The request can never succeed; the message is for the client."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def parse(body: bytes, kind: str) -> tuple[Document, str]:
    """The document that the body is about, and a digest that is the same for the same content. Raises."""
    try:
        content = json.loads(body)
    except ValueError as error:
        raise RefusedDocumentError("", f"The body is not JSON: {error}.") from error
    if not isinstance(content, dict):
        raise RefusedDocumentError("", "The body must be a JSON object.")
    if content.get("kind") != kind:
        raise RefusedDocumentError("kind", f"This collection takes {kind!r}.")
    document = Document(kind, _text(content, "external_id"), _positive(content, "revision"))
    for field in ("number", "issued_at", "currency"):
        _text(content, field)
    _check_total(content)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return document, hashlib.sha256(canonical.encode()).hexdigest()


def _text(content: Mapping[str, Any], field: str) -> str:
    value = content.get(field)
    if not isinstance(value, str) or not value:
        raise RefusedDocumentError(field, f"{field} must be a text.")
    return value


def _positive(content: Mapping[str, Any], field: str) -> int:
    value = content.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise RefusedDocumentError(field, f"{field} must be a whole number from 1.")
    return value


def _check_total(content: Mapping[str, Any]) -> None:
    try:
        total = sum((line["quantity"] * Decimal(line["unit_price"]) for line in content["lines"]), Decimal(0))
        stated = Decimal(content["total"])
    except (KeyError, TypeError, DecimalException) as error:
        raise RefusedDocumentError(
            "lines", "Each line needs a quantity and a unit_price, the document a total."
        ) from error
    if not content["lines"] or stated != total.quantize(PENNY, ROUND_HALF_UP):
        raise RefusedDocumentError("total", f"The lines add up to {total}, not {stated}.")
