import gzip
import threading

import pytest
from django.db import connection

from billing_sync.importing.source import UnusableFileError
from billing_sync.models import Import, ImportLine, Invoice
from idempotency.models import Record
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import import_file, import_lines, staged, worked_off


@pytest.mark.django_db
def test_the_same_lines_under_another_name_and_compression_are_the_same_import(tmp_path):
    first = csv_file(tmp_path / "december.csv", line())
    again = tmp_path / "december-copy.csv.gz"
    again.write_bytes(gzip.compress(first.read_bytes()))
    held, _ = import_file(first)
    assert staged(again) == (held, False)
    assert Import.objects.count() == Record.objects.filter(queue="bulk-import").count() == 1
    assert not ImportLine.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("content", [b"", gzip.compress(b"InvoiceNo\n" * 999)[:-4]])
def test_a_file_that_is_refused_leaves_nothing_behind(tmp_path, content):
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(UnusableFileError):
        staged(path)
    assert not Import.objects.exists()
    assert not Record.objects.exists()


@pytest.mark.django_db
def test_a_file_cut_off_behind_many_good_lines_imports_none_of_them(tmp_path):
    whole = csv_file(tmp_path / "whole.csv", *(line(str(number)) for number in range(3000)))
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(whole.read_bytes())[:-1])
    with pytest.raises(UnusableFileError, match="cut off after line"):
        staged(cut)
    assert not ImportLine.objects.exists()
    assert not Record.objects.exists()


@pytest.mark.django_db
def test_a_header_without_lines_is_refused(tmp_path):
    with pytest.raises(UnusableFileError, match="a header and no lines"):
        staged(csv_file(tmp_path / "a.csv"))


@pytest.mark.django_db(transaction=True)
def test_two_people_who_import_the_same_file_at_once_make_one_import(tmp_path):
    path, answers = csv_file(tmp_path / "a.csv", *(line(str(number)) for number in range(500))), []
    together = threading.Barrier(4)

    def stage_it():
        together.wait()
        answers.append(staged(path))
        connection.close()

    people = [threading.Thread(target=stage_it) for _ in range(4)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(new for _, new in answers) == [False, False, False, True]
    assert len({held.pk for held, _ in answers}) == 1
    assert ImportLine.objects.count() == 500


@pytest.mark.django_db
class TestALaterFile:
    def test_with_another_content_raises_the_revision_and_replaces_the_lines(self, tmp_path):
        import_lines(tmp_path, line(), line(StockCode="71053"))
        held, synced = import_lines(tmp_path, line(Quantity="5"))
        invoice = Invoice.objects.get()
        assert (invoice.revision, str(invoice.total), invoice.lines.count()) == (2, "12.75", 1)
        assert synced == [{"account_id": 17850, "external_invoice_id": "536365", "revision": 2}]
        assert held.outcomes["invoices"] == {"changed": 1}

    @pytest.mark.parametrize(
        "lines",
        [
            (line("2"), line(), line(StockCode="71053")),
            (line("2"), line(StockCode="71053"), line()),
            (line("2"), line(UnitPrice="2.5500"), line(StockCode=" 71053 ")),
        ],
        ids=["with the same content", "in another order", "written differently"],
    )
    def test_that_says_the_same_of_an_invoice_adds_nothing(self, tmp_path, lines):
        import_lines(tmp_path, line(), line(StockCode="71053"))
        before = Invoice.objects.values_list("revision", "digest", "total").get()
        held, synced = import_lines(tmp_path, *lines)
        assert [parameters["external_invoice_id"] for parameters in synced] == ["2"]
        assert Invoice.objects.values_list("revision", "digest", "total").get(number="536365") == before
        assert held.outcomes["invoices"] == {"unchanged": 1, "new": 1}

    @pytest.mark.parametrize(
        "changed", [{"UnitPrice": "2.56"}, {"InvoiceDate": "2010-12-01 08:27:00"}, {"Country": "EIRE"}]
    )
    def test_with_any_other_detail_is_another_revision(self, tmp_path, changed):
        import_lines(tmp_path, line())
        import_lines(tmp_path, line(**changed))
        assert Invoice.objects.get().revision == 2

    def test_with_the_same_goods_in_another_order_adds_nothing(self, tmp_path):
        lines = [line(Quantity=quantity, UnitPrice=price) for quantity, price in (("1", "2"), ("2", "1"), ("1", "1"))]
        import_lines(tmp_path, *lines)
        import_lines(tmp_path, *reversed(lines))
        assert Invoice.objects.get().revision == 1

    def test_one_line_more_of_an_equal_line_is_another_revision(self, tmp_path):
        import_lines(tmp_path, line())
        import_lines(tmp_path, line(), line())
        assert Invoice.objects.get().revision == 2

    def test_wins_even_when_it_is_worked_off_first(self, tmp_path):
        earlier, _ = staged(csv_file(tmp_path / "earlier.csv", line(Quantity="1")))
        import_lines(tmp_path, line(Quantity="2"), name="later.csv")
        held, synced = worked_off(earlier)
        assert Invoice.objects.get().lines.get().quantity == 2
        assert (held.outcomes["invoices"], synced) == ({"superseded": 1}, [])

    def test_that_rejects_an_invoice_leaves_the_one_that_is_there(self, tmp_path):
        import_lines(tmp_path, line())
        import_lines(tmp_path, line(Quantity="six"))
        assert Invoice.objects.get().revision == 1

    def test_with_the_same_number_in_another_account_is_another_invoice(self, tmp_path):
        import_lines(tmp_path, line())
        import_lines(tmp_path, line(CustomerID="13047"))
        assert sorted(Invoice.objects.values_list("account__customer_id", "revision")) == [(13047, 1), (17850, 1)]
