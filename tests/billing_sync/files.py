"""Files of invoices for tests, written line by line."""

from pathlib import Path

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
GOOD = {
    "InvoiceNo": "536365",
    "StockCode": "85123A",
    "Description": "HEART",
    "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00",
    "UnitPrice": "2.55",
    "CustomerID": "17850",
    "Country": "United Kingdom",
}


def line(number: str = "536365", **changed: str) -> str:
    """A good line of this invoice; a credit note's has a negative quantity. What is named differs."""
    fields = GOOD | {"InvoiceNo": number} | ({"Quantity": "-6"} if number.startswith("C") else {}) | changed
    return ",".join(fields.values())


def csv_file(path: Path, *lines: str, header: str = HEADER) -> Path:
    """A file of the header and these lines; bytes that are no UTF-8 may be given as surrogates."""
    path.write_bytes("".join(f"{text}\n" for text in (header, *lines)).encode("utf-8", "surrogateescape"))
    return path
