"""Lines of text become records with the file's eight columns, or a name for what keeps them from it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from billing_sync.importing.reasons import BAD_CSV, WRONG_COLUMN_COUNT
from billing_sync.importing.source import Source, UnusableFileError

COLUMNS = ("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
# How much of a malformed record is kept for the report.
EXCERPT = 200


@dataclass(frozen=True, slots=True)
class Record:
    """One record and the file's line on which it starts. With a fault, `fields` holds what could be read."""

    line: int
    fields: dict[str, str]
    fault: str = ""
    excerpt: str = ""


def records(source: Source) -> Iterator[Record]:
    """All records after the header; blank lines are none. Raises UnusableFileError when the file cannot be trusted."""
    reader = csv.reader(iter(source), strict=True)
    header = _header(source, reader)
    while True:
        line = source.line_number + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            _refuse_if_lines_were_swallowed(source, line, str(error))
            yield Record(line, _torn_apart(source.line, header), BAD_CSV, str(error))
            continue
        if row is None:
            return
        if row:
            yield _record(source, line, header, row)


def _record(source: Source, line: int, header: list[str], row: list[str]) -> Record:
    fields = dict(zip(header, row, strict=False))
    if len(row) == len(header):
        return Record(line, fields)
    _refuse_if_lines_were_swallowed(source, line, f"{len(row)} columns instead of {len(header)}")
    return Record(line, fields, WRONG_COLUMN_COUNT, f"{len(row)} instead of {len(header)}: {','.join(row)}"[:EXCERPT])


def _torn_apart(text: str, header: list[str]) -> dict[str, str]:
    """No CSV, but most likely its invoice can still be told, which must not be imported without this line."""
    return dict(zip(header, text.replace('"', "").split(","), strict=False))


def _refuse_if_lines_were_swallowed(source: Source, line: int, problem: str) -> None:
    """A quote left open takes following lines, of any invoice, with it: no telling whose lines are missing then."""
    if source.line_number > line:
        raise UnusableFileError(
            f"{source.path}: a quote opened on line {line} takes in all up to line {source.line_number} ({problem}). "
            f"Nothing was imported; close the quote on line {line}."
        )


def _header(source: Source, reader: Iterator[list[str]]) -> list[str]:
    try:
        row = next(reader, None)
    except csv.Error as error:
        raise UnusableFileError(f"{source.path}: the first line is no CSV header ({error}). {_expected()}") from error
    if row is None:
        raise UnusableFileError(f"{source.path}: the file is empty. {_expected()}")
    header = [name.strip() for name in row]
    if not set(header) & set(COLUMNS):
        raise UnusableFileError(f"{source.path}: the first line is not a header. {_expected()}")
    if missing := [name for name in COLUMNS if name not in header]:
        raise UnusableFileError(f"{source.path}: the header lacks {', '.join(missing)}. {_expected()}")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise UnusableFileError(f"{source.path}: the header names {', '.join(twice)} twice. {_expected()}")
    return header


def _expected() -> str:
    return f"Nothing was imported; the first line must name the columns {','.join(COLUMNS)}."
