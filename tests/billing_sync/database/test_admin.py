import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from billing_sync.models import Account, Import, ImportReject, Invoice
from billing_sync.tasks import SyncInvoice, email_invoice
from idempotency.models import Record
from jobs.admin import objects
from tests.app.tasks import mark_each_time
from tests.billing_sync.files import line
from tests.billing_sync.importing import import_lines
from tests.history import fill
from tests.plans import read_by_index
from tests.review import given_up, person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("model", [Account, Invoice, Import, ImportReject])
def test_all_can_be_looked_at_and_nothing_changed(tmp_path, admin_client, model):
    import_lines(tmp_path, line(), line("2", CustomerID=""))
    listed = f"/admin/billing_sync/{model._meta.model_name}/"
    shown = f"{listed}{model.objects.first().pk}/change/"
    assert admin_client.get(listed).status_code == 200
    page = admin_client.get(shown)
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert admin_client.get(f"{listed}add/").status_code == 403
    assert admin_client.post(shown, {}).status_code == 403
    assert admin_client.post(shown.replace("change", "delete"), {"post": "yes"}).status_code == 403


def test_an_invoice_shows_its_lines(tmp_path, admin_client):
    import_lines(tmp_path, line(StockCode="85123A"))
    page = admin_client.get(f"/admin/billing_sync/invoice/{Invoice.objects.get().pk}/change/")
    assert b"85123A" in page.content


@pytest.fixture
def invoice(tmp_path):
    import_lines(tmp_path, line(StockCode="85123A"))
    return Invoice.objects.get()


def shown(client, invoice: Invoice) -> str:
    return client.get(f"/admin/billing_sync/invoice/{invoice.pk}/change/").content.decode()


def payload_of(invoice: Invoice) -> dict:
    return {
        "account_id": invoice.account.customer_id,
        "external_invoice_id": invoice.number,
        "revision": invoice.revision,
    }


def test_an_invoice_shows_its_jobs_where_they_stand_and_what_keeps_them(invoice, admin_client):
    assert shown(admin_client, invoice).count("not asked for") == 2
    SyncInvoice.enqueue(**payload_of(invoice))
    page = shown(admin_client, invoice)
    assert page.count("not asked for") == 1
    assert "No live worker consumes queue billing-sync" in page
    mail = given_up(email_invoice, invoice_id=invoice.pk, revision=1)
    page = shown(admin_client, invoice)
    for text in ("dead_lettered", "ValueError: oops", reverse("admin:jobs_deadletter_incident", args=[mail.incident])):
        assert text in page
    for record in Record.objects.exclude(task="billing_sync.ImportInvoices"):
        assert reverse("admin:idempotency_record_change", args=[record.id]) in page


def test_a_job_links_back_to_its_invoice(invoice, admin_client):
    back = f"/admin/billing_sync/invoice/{invoice.pk}/change/"
    mail = email_invoice.enqueue(invoice_id=invoice.pk, revision=1)
    sync = SyncInvoice.enqueue(**payload_of(invoice))
    for job in (mail, sync):
        assert back in admin_client.get(reverse("admin:idempotency_record_change", args=[job.id])).content.decode()


def test_who_may_not_see_jobs_sees_none_on_the_invoice(invoice, client):
    client.force_login(person("view_invoice", "view_invoiceline"))
    page = shown(client, invoice)
    assert invoice.number in page
    assert "What keeps it" not in page


def test_an_invoices_jobs_are_found_by_their_keys_however_many_jobs_there_are(invoice, admin_client):
    fill(connection, ["default"], finished=20_000, live=1_000)
    job = SyncInvoice.enqueue(**payload_of(invoice))
    with CaptureQueriesContext(connection) as captured:
        (found,) = objects.find([(SyncInvoice, payload_of(invoice))])
    assert found.record.id == job.id
    used = [read_by_index(connection, query["sql"], None) for query in captured]
    assert "record_key" in used[0]


@pytest.mark.parametrize(
    ("task", "parts", "problem"),
    [(mark_each_time, {"name": "x"}, "dedupe_key = None"), (email_invoice, {"invoice": 1}, "invoice is no part")],
)
def test_a_job_that_has_no_such_key_is_a_mistake_that_says_so(task, parts, problem):
    with pytest.raises(ImproperlyConfigured, match=problem):
        objects.key_of(task, parts)
