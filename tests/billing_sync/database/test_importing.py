from datetime import UTC, datetime
from decimal import Decimal

import pytest

from billing_sync.importing.report import report
from billing_sync.models import Account, ImportLine, Invoice, InvoiceLine
from billing_sync.tasks import ImportInvoices
from idempotency.models import Record
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import import_lines, lines_of, rejects, staged, worked_off

pytestmark = pytest.mark.django_db


def test_lines_become_accounts_invoices_and_lines(tmp_path):
    held, synced = import_lines(tmp_path, line(), line(StockCode="71053", Quantity="2", UnitPrice="3.395"))
    invoice = Invoice.objects.select_related("account").get()
    assert (invoice.account.customer_id, invoice.account.country) == (17850, "United Kingdom")
    assert (invoice.number, invoice.kind, invoice.currency) == ("536365", "invoice", "GBP")
    assert (invoice.total, invoice.revision) == (Decimal("22.09"), 1)
    assert invoice.issued_at == datetime(2010, 12, 1, 8, 26, tzinfo=UTC)
    assert lines_of("536365") == [(1, "85123A", 6), (2, "71053", 2)]
    assert synced == [{"account_id": 17850, "external_invoice_id": "536365", "revision": 1}]
    assert held.state == "done"
    assert held.finished_at


def test_a_number_with_c_is_a_credit_note(tmp_path):
    held, _ = import_lines(tmp_path, line("C536379"))
    assert Invoice.objects.get().kind == "credit_note"
    assert report(held)["credit_notes"] == 1


def test_lines_of_an_invoice_are_found_wherever_they_stand_in_the_file(tmp_path, small_chunks):
    numbers = ["7", "3", "5", "1", "9", "3", "7", "1", "5", "7"]
    _, synced = import_lines(tmp_path, *(line(number, StockCode=f"S{place}") for place, number in enumerate(numbers)))
    assert lines_of("7") == [(1, "S0", 6), (2, "S6", 6), (3, "S9", 6)]
    assert [parameters["external_invoice_id"] for parameters in synced] == ["1", "3", "5", "7", "9"]


def test_an_invoice_is_never_torn_apart_however_many_lines_it_has(tmp_path, small_chunks):
    held, synced = import_lines(tmp_path, *[line("5")] * 5, line("7"), line("8"), line("9"))
    assert Invoice.objects.get(number="5").lines.count() == 5
    assert (held.chunks_done, held.lines_done, len(synced)) == (3, 8, 4)


def test_two_equal_lines_are_two_lines(tmp_path):
    import_lines(tmp_path, line(), line())
    assert lines_of("536365") == [(1, "85123A", 6), (2, "85123A", 6)]


def test_an_invoice_with_one_bad_line_is_rejected_whole_and_every_line_has_a_named_end(tmp_path):
    held, synced = import_lines(tmp_path, line(), line(Quantity="six"), line(UnitPrice="?"), line("536366"))
    assert list(Invoice.objects.values_list("number", flat=True)) == ["536366"]
    assert [parameters["external_invoice_id"] for parameters in synced] == ["536366"]
    assert rejects(held) == [
        (3, "536365", "Quantity", "bad_number", "six"),
        (4, "536365", "UnitPrice", "bad_number", "?"),
    ]
    assert held.outcomes == {
        "lines": {"bad_number": 2, "with_its_invoice": 1, "new": 1},
        "invoices": {"bad_number": 1, "new": 1},
        "credit_notes": {},
    }
    assert report(held)["unaccounted"] == 0


def test_a_malformed_line_rejects_the_invoice_that_it_names(tmp_path):
    held, _ = import_lines(tmp_path, line(), "536365,71053", line("536366", Description='"A" B'), line("536366"))
    assert not Invoice.objects.exists()
    assert [(number, reason) for _, number, _, reason, _ in rejects(held)] == [
        ("536365", "wrong_column_count"),
        ("536366", "bad_csv"),
    ]


def test_an_invoice_without_customer_is_rejected_and_never_enqueued(tmp_path):
    held, synced = import_lines(tmp_path, line(CustomerID=""), line(CustomerID="", Quantity="-1"))
    assert synced == []
    assert not Account.objects.exists()
    assert held.outcomes["invoices"] == {"missing_customer": 1}


def test_an_invoice_whose_lines_disagree_on_the_customer_is_rejected_for_those_that_differ_from_the_first(tmp_path):
    held, _ = import_lines(tmp_path, line(), line(CustomerID="13047"), line())
    assert rejects(held) == [(3, "536365", "CustomerID", "customer_disagrees", "13047")]
    assert held.outcomes["lines"] == {"customer_disagrees": 1, "with_its_invoice": 2}
    assert not Invoice.objects.exists()


def test_an_invoice_is_named_by_its_first_bad_line(tmp_path):
    held, _ = import_lines(tmp_path, line(InvoiceDate="?"), line(CustomerID=""), line("C2", CustomerID=""))
    assert held.outcomes["invoices"] == {"bad_date": 1, "missing_customer": 1}
    assert held.outcomes["credit_notes"] == {"missing_customer": 1}


def test_lines_of_no_invoice_are_accounted_for_as_lines(tmp_path):
    held, _ = import_lines(tmp_path, line(""), line(""), line())
    assert held.outcomes["lines"] == {"missing_invoice_no": 2, "new": 1}
    assert held.outcomes["invoices"] == {"new": 1}


def test_bytes_that_the_database_cannot_hold_are_reported_and_stop_nothing(tmp_path):
    held, _ = import_lines(tmp_path, line(Description="A\0B"), line("2", Description="CAF\udce9"), line("3"))
    assert rejects(held) == [
        (2, "536365", "Description", "nul_byte", r"A\x00B"),
        (3, "2", "Description", "bad_utf8", r"CAF\xe9"),
    ]
    assert Invoice.objects.get().number == "3"


def test_the_largest_amounts_that_the_rules_allow_fit(tmp_path):
    import_lines(tmp_path, *[line(Quantity="9999999", UnitPrice="99999999.9999")] * 3)
    assert Invoice.objects.get().total == Decimal("2999999699997000.00")


def test_an_account_is_in_the_country_of_its_newest_invoice_whatever_the_order(tmp_path, small_chunks):
    import_lines(
        tmp_path,
        line("1", Country="Cyprus", InvoiceDate="2010-12-14 12:00:00"),
        line("2", Country="Austria", InvoiceDate="2010-12-02 12:00:00"),
        line("3", Country="France", InvoiceDate="2010-12-05 12:00:00"),
    )
    assert Account.objects.get().country == "Cyprus"
    assert Invoice.objects.get(number="2").country == "Austria"


def test_staging_is_one_transaction_with_the_job_that_works_it_off(tmp_path):
    held, new = staged(csv_file(tmp_path / "a.csv", line(), line("2")))
    assert new
    job = Record.objects.get(pk=held.job_id)
    assert (job.task, job.queue, job.payload) == (
        ImportInvoices.name,
        "bulk-import",
        {"import_id": held.pk, "chunk": 1},
    )
    assert ImportLine.objects.filter(source=held).count() == held.lines == 2


def test_nothing_is_left_in_staging(tmp_path, small_chunks):
    import_lines(tmp_path, *(line(str(number)) for number in range(1, 8)), line("8", CustomerID=""), line(""))
    assert not ImportLine.objects.exists()
    assert InvoiceLine.objects.count() == 7


def test_a_chunk_that_is_worked_off_again_adds_nothing(tmp_path, small_chunks):
    held, _ = staged(csv_file(tmp_path / "a.csv", *(line(str(number)) for number in range(1, 6))))
    done, synced = worked_off(held)
    assert worked_off(held) == (done, [])
    assert len(synced) == Invoice.objects.count() == 5
