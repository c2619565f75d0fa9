import pytest

from billing_sync.models import Account, Import, ImportReject, Invoice
from tests.billing_sync.files import line
from tests.billing_sync.importing import import_lines

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
