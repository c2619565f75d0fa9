import csv
import gzip
import itertools

from billing_sync.importing.lines import judge
from billing_sync.importing.records import records
from billing_sync.importing.source import Source
from billing_sync.sample import write_sample


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path):
    first, again, other = (tmp_path / name for name in ("first.csv.gz", "again.csv.gz", "other.csv.gz"))
    planted = write_sample(first, invoices=300, seed=4)
    assert write_sample(again, invoices=300, seed=4) == planted
    write_sample(other, invoices=300, seed=5)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


def test_the_importers_rules_find_exactly_the_dirt_that_was_planted(tmp_path):
    planted = write_sample(tmp_path / "sample.csv", invoices=1500, seed=1)
    bad, invoices, lines = {}, set(), 0
    with Source(tmp_path / "sample.csv") as source:
        for staged in map(judge, records(source)):
            lines += 1
            invoices.add(staged.invoice_no)
            if staged.reason:
                bad[staged.invoice_no] = staged.reason
    assert (len(invoices), lines) == (planted["invoices"], planted["lines"])
    assert sum(number.startswith("C") for number in invoices) == planted["credit_notes"]
    for reason in ("missing_customer", "bad_number", "bad_date"):
        assert list(bad.values()).count(reason) == planted[reason] > 0


def test_it_has_the_dirt_that_is_accepted_too(tmp_path):
    write_sample(tmp_path / "sample.csv.gz", invoices=1500, seed=1)
    with gzip.open(tmp_path / "sample.csv.gz", "rt", newline="") as file:
        lines = list(csv.DictReader(file))
    assert any(line["Description"] == "?" for line in lines)
    assert any(line["Description"] == "" for line in lines)
    assert any(line["UnitPrice"] == "0" for line in lines)
    assert len({tuple(line.values()) for line in lines}) < len(lines)
    numbers = [line["InvoiceNo"] for line in lines]
    together = 1 + sum(before != after for before, after in itertools.pairwise(numbers))
    assert together > len(set(numbers))
