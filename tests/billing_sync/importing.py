"""Importing without a worker: the same functions that the job calls, one chunk after the other."""

from types import SimpleNamespace
from uuid import uuid4

from billing_sync.importing.chunks import work_off_chunk
from billing_sync.importing.source import Source
from billing_sync.importing.staging import stage
from billing_sync.models import Import, ImportReject, Invoice
from tests.billing_sync.files import csv_file


def staged(path):
    with Source(path) as source:
        return stage(source)


def worked_off(held):
    """Works off all chunks; returns the import as it is then, and the parameters of all SyncInvoice asked for."""
    synced, chunks = [], [1]

    def enqueue_chunk(*, import_id, chunk):
        assert import_id == held.pk
        chunks.append(chunk)
        return SimpleNamespace(id=uuid4())

    while chunks:
        work_off_chunk(held.pk, chunks.pop(), sync=synced.extend, enqueue_chunk=enqueue_chunk)
    return Import.objects.get(pk=held.pk), synced


def import_file(path):
    held, _new = staged(path)
    return worked_off(held)


def import_lines(directory, *lines, name="invoices.csv"):
    return import_file(csv_file(directory / name, *lines))


def rejects(held):
    found = ImportReject.objects.filter(source=held).order_by("line")
    return [(reject.line, reject.invoice_no, reject.column, reject.reason, reject.value) for reject in found]


def lines_of(number):
    lines = Invoice.objects.get(number=number).lines.order_by("position")
    return list(lines.values_list("position", "stock_code", "quantity"))
