"""The rules for one line. A line that breaks one is staged under its invoice with the first rule it broke."""

import re
from datetime import datetime
from typing import NamedTuple

from billing_sync.importing import reasons
from billing_sync.importing.records import Record
from billing_sync.models.imports import INVOICE_NO_LENGTH, VALUE_LENGTH

# The group of lines that say no invoice number at all. No valid number looks like this.
NO_INVOICE = "(none)"

INVOICE_NO = re.compile(r"C?[0-9]{1,19}", re.ASCII)
# No leading zero: 017850 and 17850 must not become two customers, and a number is what the vendor's key is made of.
CUSTOMER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?", re.ASCII)
QUANTITY = re.compile(r"[+-]?[0-9]{1,7}", re.ASCII)
PRICE = re.compile(r"[+-]?[0-9]{1,8}(\.[0-9]{1,4})?", re.ASCII)
UNDECODABLE = re.compile("[\udc80-\udcff]")
LENGTHS = {"StockCode": 40, "Description": 500, "Country": 60}


class BrokenRuleError(Exception):
    def __init__(self, reason: str, column: str, value: str) -> None:
        super().__init__(reason)
        self.reason, self.column, self.value = reason, column, value


class StagedLine(NamedTuple):
    """What is copied into the staging table, in its columns' order. `reason` is empty for a good line."""

    line: int
    invoice_no: str
    customer_id: int | None = None
    stock_code: str = ""
    description: str = ""
    quantity: int | None = None
    unit_price: str | None = None
    issued_at: str | None = None
    country: str = ""
    reason: str = ""
    column: str = ""
    value: str = ""


def judge(record: Record) -> StagedLine:
    """The staged form of a record: good, or with the reason why it is not."""
    try:
        return _good(record)
    except BrokenRuleError as broken:
        value = printable(broken.value)[:VALUE_LENGTH]
        return StagedLine(record.line, owner(record), reason=broken.reason, column=broken.column, value=value)


def _good(record: Record) -> StagedLine:
    if record.fault:
        raise BrokenRuleError(record.fault, "", record.excerpt)
    fields = {column: value.strip() for column, value in record.fields.items()}
    _readable(fields)
    number = _matching(INVOICE_NO, fields, "InvoiceNo", reasons.MISSING_INVOICE_NO, reasons.BAD_INVOICE_NO)
    customer = _matching(CUSTOMER, fields, "CustomerID", reasons.MISSING_CUSTOMER, reasons.BAD_CUSTOMER)
    issued_at = _date(fields)
    quantity, price = _amounts(fields, number)
    for column, length in LENGTHS.items():
        if len(fields[column]) > length:
            raise BrokenRuleError(reasons.TOO_LONG, column, fields[column])
    return StagedLine(
        record.line, number, int(customer), fields["StockCode"], fields["Description"], quantity, price, issued_at,
        fields["Country"],
    )  # fmt: skip


def _readable(fields: dict[str, str]) -> None:
    for column, value in fields.items():
        if "\0" in value:
            raise BrokenRuleError(reasons.NUL_BYTE, column, value)
        if not value.isascii() and UNDECODABLE.search(value):
            raise BrokenRuleError(reasons.BAD_UTF8, column, value)


def _matching(pattern: re.Pattern[str], fields: dict[str, str], column: str, missing: str, bad: str) -> str:
    value = fields[column].upper()
    if not value:
        raise BrokenRuleError(missing, column, "")
    if not pattern.fullmatch(value):
        raise BrokenRuleError(bad, column, fields[column])
    return value


def _date(fields: dict[str, str]) -> str:
    value = fields["InvoiceDate"]
    try:
        if DATE.fullmatch(value):
            return f"{datetime.fromisoformat(value)}+00"
    except ValueError:
        pass  # the 31st of February has the right form and is still no date
    raise BrokenRuleError(reasons.BAD_DATE, "InvoiceDate", value)


def _amounts(fields: dict[str, str], number: str) -> tuple[int, str]:
    quantity, price = fields["Quantity"], fields["UnitPrice"]
    for column, pattern in (("Quantity", QUANTITY), ("UnitPrice", PRICE)):
        if not pattern.fullmatch(fields[column]):
            raise BrokenRuleError(reasons.BAD_NUMBER, column, fields[column])
    if float(price) < 0:
        raise BrokenRuleError(reasons.NEGATIVE_PRICE, "UnitPrice", price)
    pieces = int(quantity)
    if pieces == 0 or (pieces < 0) != number.startswith("C"):
        raise BrokenRuleError(reasons.WRONG_SIGN, "Quantity", quantity)
    return pieces, price


def owner(record: Record) -> str:
    """The invoice to reject with this line: its number without the bytes that cannot be read."""
    text = UNDECODABLE.sub("", record.fields.get("InvoiceNo", "").replace("\0", "")).strip().upper()
    return text[:INVOICE_NO_LENGTH] or NO_INVOICE


def printable(text: str) -> str:
    """PostgreSQL stores neither NUL nor half a surrogate: both are shown as escapes."""
    return UNDECODABLE.sub(lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text.replace("\0", "\\x00"))
