"""A file of invoices as a wholesaler's system exports them, dirt included; the same seed gives the same bytes."""

import csv
import gzip
import heapq
import io
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from billing_sync.importing.records import COLUMNS

FIRST_NUMBER, FIRST_CUSTOMER, CUSTOMERS = 700_001, 12_001, 400
START = datetime(2025, 1, 6, 8, 0)  # noqa: DTZ001 - the files say no zone

# Shares of invoices, near those of a real month, but for the last two, which that month happens not to have.
CREDIT_NOTE, MISSING_CUSTOMER, BAD_NUMBER, BAD_DATE = 0.14, 0.10, 0.01, 0.01
# Shares of lines. The importer accepts these.
DUPLICATE, NO_DESCRIPTION, ZERO_PRICE = 0.012, 0.004, 0.006
# Share of lines that stand further down in the file than the rest of their invoice.
SCATTERED = 0.01
# Lines of an invoice: usually, and at most.
USUAL, LONGEST = 7, 60

COLOURS = ("RED", "IVORY", "BLUE", "PINK", "GREEN", "SILVER", "BLACK", "CREAM")
THINGS = ("TEA TOWEL", "CANDLE HOLDER", "LUNCH BOX", "GARDEN LANTERN", "PICTURE FRAME", "MUG", "CAKE TIN", "DOORMAT")
EXTRAS = ("", " SMALL", " LARGE", ", SET OF 6", ' 12" WIDE', " WITH BOW", " IN GIFT BOX")
COUNTRIES = ("United Kingdom",) * 18 + ("Germany", "France", "EIRE", "Spain", "Côte d'Ivoire")

# How many lines later a scattered line stands at most: beyond a chunk of the importer's, and little to hold in memory.
FARTHEST = 5_000

Line = dict[str, Any]


def write_sample(path: Path, *, invoices: int, seed: int) -> dict[str, int]:
    """Write the file, by gzip if its name ends in .gz; returns what it holds: lines, invoices, how much of which."""
    draw, planted = Random(seed), Counter(invoices=invoices)
    with path.open("wb") as raw:
        if path.suffix == ".gz":
            # Neither name nor time in the header: the bytes depend on the seed alone.
            with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                _write(packed, draw, invoices, planted)
        else:
            _write(raw, draw, invoices, planted)
    names = ("lines", "invoices", "credit_notes", "missing_customer", "bad_number", "bad_date")
    return {name: planted[name] for name in names}


def _write(file: Any, draw: Random, invoices: int, planted: Counter[str]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    everything = (line for number in range(invoices) for line in _invoice(draw, number, planted))
    for line in _scattered(everything, draw):
        planted["lines"] += 1
        writer.writerow(line)
    text.detach()


def _scattered(lines: Iterable[Line], draw: Random) -> Iterator[Line]:
    """Some lines wait and come out later, among those of other invoices."""
    late: list[tuple[int, int, Line]] = []
    for place, line in enumerate(lines):
        if draw.random() < SCATTERED:
            heapq.heappush(late, (place + draw.randrange(1, FARTHEST), place, line))
        else:
            yield line
        while late and late[0][0] <= place:
            yield heapq.heappop(late)[2]
    yield from (line for _, _, line in sorted(late, key=lambda waiting: waiting[:2]))


def _invoice(draw: Random, place: int, planted: Counter[str]) -> list[Line]:
    credit_note = draw.random() < CREDIT_NOTE
    planted["credit_notes"] += credit_note
    customer = FIRST_CUSTOMER + draw.randrange(CUSTOMERS)
    shared = {
        "InvoiceNo": f"{'C' if credit_note else ''}{FIRST_NUMBER + place}",
        "InvoiceDate": f"{START + timedelta(minutes=7 * place):%Y-%m-%d %H:%M:%S}",
        "CustomerID": customer,
        "Country": COUNTRIES[customer % len(COUNTRIES)],
    }
    lines = []
    for _ in range(min(LONGEST, 1 + int(draw.expovariate(1 / USUAL)))):
        lines.append(shared | _goods(draw, -1 if credit_note else 1))
        if draw.random() < DUPLICATE:
            lines.append(dict(lines[-1]))
    _soil(draw, lines, planted)
    return lines


def _goods(draw: Random, sign: int) -> Line:
    article = draw.randrange(len(COLOURS) * len(THINGS) * len(EXTRAS))
    colour, thing, extra = article % 8, article // 8 % 8, article // 64
    description = f"{COLOURS[colour]} {THINGS[thing]}{EXTRAS[extra]}"
    return {
        "StockCode": f"{20_000 + article}{'ABC'[extra % 3] if extra else ''}",
        "Description": draw.choice(("", "?")) if draw.random() < NO_DESCRIPTION else description,
        "Quantity": sign * draw.choice((1, 1, 2, 3, 4, 6, 6, 8, 12, 12, 24, 48)),
        "UnitPrice": "0" if draw.random() < ZERO_PRICE else f"{draw.randrange(19, 1495) / 100:.2f}",
    }


def _soil(draw: Random, lines: list[Line], planted: Counter[str]) -> None:
    """At most one kind of dirt for which the importer refuses an invoice, so that what it reports can be checked."""
    luck = draw.random()
    if luck < MISSING_CUSTOMER:
        planted["missing_customer"] += 1
        for line in lines:
            line["CustomerID"] = ""
    elif luck < MISSING_CUSTOMER + BAD_NUMBER:
        planted["bad_number"] += 1
        draw.choice(lines)[draw.choice(("Quantity", "UnitPrice"))] = draw.choice(("three", "1,50", "#REF!", "1e3", ""))
    elif luck < MISSING_CUSTOMER + BAD_NUMBER + BAD_DATE:
        planted["bad_date"] += 1
        draw.choice(lines)["InvoiceDate"] = draw.choice(("31/12/2025 8:26", "2025-02-30 10:00:00", "yesterday", ""))
