from datetime import timedelta

import pytest
from django.core import mail

from billing_sync.documents import vendor_document
from billing_sync.models import Invoice
from billing_sync.tasks import ImportInvoices, SyncInvoice, email_invoice
from idempotency.models import Record
from jobs import PermanentError
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import import_lines, staged

pytestmark = pytest.mark.django_db
KEY = {"account_id": 17850, "external_invoice_id": "536365"}


def mails():
    return list(Record.objects.filter(task=email_invoice.name).values_list("payload", flat=True))


def test_a_chunk_enqueues_the_sync_of_its_invoices_and_the_next_chunk(tmp_path, settings):
    settings.IMPORT_LINES_PER_CHUNK = 2
    held, _ = staged(csv_file(tmp_path / "a.csv", line(), line("C2"), line("D9")))
    ImportInvoices._instance.run(import_id=held.pk, chunk=1)
    asked = Record.objects.filter(task=SyncInvoice.name).order_by("payload__external_invoice_id")
    assert [job.payload for job in asked] == [KEY | {"revision": 1}, KEY | {"external_invoice_id": "C2", "revision": 1}]
    assert {job.queue for job in asked} == {"billing-sync"}
    held.refresh_from_db()
    assert Record.objects.get(pk=held.job_id).payload == {"import_id": held.pk, "chunk": 2}


def test_the_policy_towards_the_vendor_is_the_domains():
    policy = SyncInvoice.retry_policy
    assert (policy.max_attempts, policy.base, policy.cap) == (9, timedelta(seconds=2), timedelta(minutes=15))
    assert (policy.jitter, SyncInvoice.vendor) == ("full", "ledgerly")


def test_a_document_is_all_of_one_revision_and_its_total_is_the_sum(tmp_path):
    import_lines(tmp_path, line(), line(StockCode="71053", Quantity="2", UnitPrice="3.395"))
    assert vendor_document(17850, "536365") == {
        "external_id": "17850-536365",
        "revision": 1,
        "kind": "invoice",
        "number": "536365",
        "account": {"external_id": "17850", "country": "United Kingdom"},
        "issued_at": "2010-12-01T08:26:00+00:00",
        "currency": "GBP",
        "total": "22.09",
        "lines": [
            {
                "position": 1,
                "stock_code": "85123A",
                "description": "HEART",
                "quantity": 6,
                "unit_price": "2.5500",
            },
            {
                "position": 2,
                "stock_code": "71053",
                "description": "HEART",
                "quantity": 2,
                "unit_price": "3.3950",
            },
        ],
    }


def test_a_synced_invoice_remembers_the_vendors_id_and_asks_for_its_mail_once(tmp_path):
    import_lines(tmp_path, line())
    for _ in range(2):
        SyncInvoice._instance.commit({"vendor_id": "led_1"}, **KEY, revision=1)
    invoice = Invoice.objects.get()
    assert (invoice.vendor_id, invoice.synced_revision) == ("led_1", 1)
    assert mails() == [{"invoice_id": invoice.pk, "revision": 1}]


def test_a_revision_that_was_replaced_is_neither_sent_nor_mailed(tmp_path):
    import_lines(tmp_path, line())
    import_lines(tmp_path, line(Quantity="5"))
    result = SyncInvoice._instance.run(**KEY, revision=1)
    assert result == {"superseded_by": 2}
    SyncInvoice._instance.commit(result, **KEY, revision=1)
    assert mails() == []
    assert Invoice.objects.get().synced_revision == 0


def test_an_answer_that_comes_after_the_next_revision_marks_nothing_as_synced(tmp_path):
    import_lines(tmp_path, line())
    import_lines(tmp_path, line(Quantity="5"))
    SyncInvoice._instance.commit({"vendor_id": "led_1"}, **KEY, revision=1)
    assert Invoice.objects.get().synced_revision == 0
    assert mails() == []


def test_an_invoice_that_is_not_there_cannot_be_synced_ever():
    with pytest.raises(PermanentError, match="no invoice 536365 in account 17850"):
        SyncInvoice._instance.run(**KEY, revision=1)


def test_the_mail_names_customer_lines_and_total(tmp_path):
    import_lines(tmp_path, line("C536365", UnitPrice="2.5"), line("C536365", Description="", UnitPrice="0.001"))
    email_invoice.run(invoice_id=Invoice.objects.get().pk, revision=1)
    (sent,) = mail.outbox
    assert sent.to == ["customer-17850@example.com"]
    assert sent.subject == "Your credit note C536365: -15.01 GBP"
    assert "this is credit note C536365 of 1 December 2010." in sent.body
    assert "1. -6 x HEART at 2.50" in sent.body
    assert "2. -6 x 85123A at 0.0010" in sent.body
    assert sent.extra_headers["Message-ID"] == "<17850-C536365-1@example.com>"


def test_names_are_mailed_as_they_are_written(tmp_path):
    import_lines(tmp_path, line(Description="TEA & COFFEE <SET>"))
    email_invoice.run(invoice_id=Invoice.objects.get().pk, revision=1)
    assert "TEA & COFFEE <SET>" in mail.outbox[0].body


def test_a_revision_is_mailed_as_such_and_the_one_before_it_no_more(tmp_path):
    import_lines(tmp_path, line())
    import_lines(tmp_path, line(Quantity="5"))
    pk = Invoice.objects.get().pk
    email_invoice.run(invoice_id=pk, revision=1)
    assert mail.outbox == []
    email_invoice.run(invoice_id=pk, revision=2)
    assert mail.outbox[0].subject == "Your invoice 536365, revised: 12.75 GBP"
