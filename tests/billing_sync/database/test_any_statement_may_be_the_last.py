"""A worker may die before any statement of a chunk: nothing of it is there then, all of it after the next try."""

import pytest
from django.db import connection

from billing_sync.importing.chunks import work_off_chunk
from billing_sync.models import Account, Import, ImportLine, ImportReject, Invoice, InvoiceLine
from billing_sync.tasks import ImportInvoices, SyncInvoice
from idempotency.models import Record
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import staged

pytestmark = pytest.mark.django_db(transaction=True)


class Death(Exception):  # noqa: N818 - it is one
    pass


class DiesBefore:
    """Lets so many statements pass."""

    def __init__(self, statements):
        self.left = statements

    def __call__(self, execute, *statement):
        if not self.left:
            raise Death
        self.left -= 1
        return execute(*statement)


def all_there_is():
    models = (Account, Invoice, InvoiceLine, ImportLine, ImportReject, Record)
    held = Import.objects.get()
    return [model.objects.count() for model in models], held.outcomes, held.cursor, held.state, held.job_id


def work_off():
    work_off_chunk(Import.objects.get().pk, 1, sync=SyncInvoice.enqueue_many, enqueue_chunk=ImportInvoices.enqueue)


def test_a_chunk_is_all_or_nothing_whichever_statement_its_worker_does_not_live_to_see(tmp_path, settings):
    settings.IMPORT_LINES_PER_CHUNK = 4
    staged(csv_file(tmp_path / "a.csv", line(), line("2"), line("3", CustomerID=""), line("C4"), line("6"), line("7")))
    before, deaths = all_there_is(), 0
    while True:
        try:
            with connection.execute_wrapper(DiesBefore(deaths)):
                work_off()
            break
        except Death:
            deaths += 1
            assert all_there_is() == before, f"after a death before statement {deaths}"
    assert deaths > 10
    after = all_there_is()
    assert after[0] == [1, 3, 3, 2, 1, 1 + 3 + 1]
    work_off()
    assert all_there_is() == after
