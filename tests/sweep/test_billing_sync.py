"""Every task of the reference project, swept: the vendor's ledger, the mails and the database are the witnesses."""

from collections import Counter

import pytest
from django.db.models import F

from billing_sync.importing.source import Source
from billing_sync.importing.staging import stage
from billing_sync.models import Import, ImportLine, Invoice
from billing_sync.tasks import ImportInvoices, SyncInvoice, email_invoice
from billing_sync.vendor_simulator.ledger import Document
from idempotency.models import Record
from jobs.testing import crash_sweep
from tests.billing_sync.conftest import api_key, calm, simulator_programs  # noqa: F401 - its vendor serves here, too
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import import_lines
from tests.sweep.ordering import assert_in_order

pytestmark = pytest.mark.timeout(7200)

RUNS = 2_000  # invoices that are there before the sweep: each run takes one


@pytest.fixture
def unsynced(tmp_path):
    """The parameters of SyncInvoice for many invoices, none of them synced."""
    _held, synced = import_lines(tmp_path, *(line(f"{100_000 + number}") for number in range(RUNS)))
    return synced


@pytest.fixture
def vendor(calm, api_key, settings):  # noqa: F811
    settings.LEDGERLY_URL, settings.LEDGERLY_API_KEY = calm.url, api_key
    return calm


def test_an_invoice_is_at_the_vendor_once(unsynced, vendor, swept, pairs):
    def document(payload):
        return Document("invoice", f"{payload['account_id']}-{payload['external_invoice_id']}", payload["revision"])

    def synced_and_to_be_mailed_once(payload):
        (invoice,) = Invoice.objects.filter(number=payload["external_invoice_id"], synced_revision=F("revision"))
        assert invoice.vendor_id
        assert Record.objects.filter(task=email_invoice.name, payload__invoice_id=invoice.pk).count() == 1

    sweep = swept(
        crash_sweep(
            SyncInvoice,
            payload=lambda number: unsynced[number],
            effects=lambda payload: vendor.effects()[document(payload)],
            check=synced_and_to_be_mailed_once,
            pairs=pairs,
        )
    )
    assert_in_order(
        [
            "get from billing-sync",
            "ack of the message",
            "sql+commit queued → processing: claim",
            "call GET /v1/invoices",
            "call POST /v1/invoices",
            "sql none → queued: enqueue",
            "sql processing → succeeded: succeed",
            "commit COMMIT",
            "publish to critical",
        ],
        sweep.names("worker"),
    )


def test_a_mail_is_sent_at_most_once_and_in_doubt_a_person_is_asked(unsynced, settings, tmp_path, swept, pairs):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    numbers = dict(Invoice.objects.values_list("number", "pk"))

    def invoice(number):
        settings.EMAIL_FILE_PATH = tmp_path / "mails" / str(number)  # whoever is forked from now on mails to there
        return {"invoice_id": numbers[unsynced[number]["external_invoice_id"]], "revision": 1}

    def mails(_payload):
        return sum(file.read_text().count("Message-ID:") for file in settings.EMAIL_FILE_PATH.glob("*"))

    sweep = swept(crash_sweep(email_invoice, payload=invoice, effects=mails, pairs=pairs))
    assert_in_order(
        [
            "sql+commit queued → processing: claim",
            "mail by Django's back-end",
            "sql+commit processing → succeeded: succeed",
        ],
        sweep.names("worker"),
    )
    outcomes = Counter(Record.objects.filter(task=email_invoice.name).values_list("state", "reason"))
    assert outcomes.pop(("succeeded", None)) > outcomes.pop(("dead_lettered", "unknown_outcome"))
    assert not outcomes


def test_an_import_in_chunks_brings_every_invoice_once_and_asks_once_for_each_sync(settings, tmp_path, swept, pairs):
    settings.IMPORT_LINES_PER_CHUNK = 2
    numbers = ["1", "2", "3", "C4"]

    def file(number):
        account = 10_000 + number
        path = csv_file(tmp_path / f"{number}.csv", *(line(n, CustomerID=f"{account}") for n in numbers))
        return {"path": str(path), "account": account}

    def staged(payload):
        with Source(tmp_path / payload["path"]) as source:
            stage(source)

    def everything_once(payload):
        assert (
            sorted(Invoice.objects.filter(account__customer_id=payload["account"]).values_list("number", flat=True))
            == numbers
        )
        syncs = Record.objects.filter(task=SyncInvoice.name, payload__account_id=payload["account"])
        assert sorted(sync.payload["external_invoice_id"] for sync in syncs) == numbers
        held = Import.objects.get(file_name=f"{payload['account'] - 10_000}.csv")
        assert (held.state, held.chunks_done, held.lines_done) == ("done", 2, 4)
        assert not ImportLine.objects.filter(source=held).exists()

    sweep = swept(crash_sweep(ImportInvoices, payload=file, enqueue=staged, check=everything_once, pairs=pairs))
    chunk = ["sql+commit queued → processing: claim", "sql none → queued: enqueue", "commit COMMIT"]
    assert_in_order([*chunk, *chunk], sweep.names("worker"))
