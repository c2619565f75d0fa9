"""Two workers at once: with the same chunk, and with files that hold the same invoices."""

import threading
from collections import Counter
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import connection

from billing_sync.importing.chunks import work_off_chunk
from billing_sync.models import Account, Import, Invoice, InvoiceLine
from tests.billing_sync.files import csv_file, line
from tests.billing_sync.importing import staged, worked_off

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*works):
    """Runs each in a thread of its own; returns what they returned, and raises what one of them raised."""
    together, answers = threading.Barrier(len(works)), []

    def run(work):
        together.wait()
        try:
            answers.append(work())
        except Exception as error:  # noqa: BLE001 - handed on below
            answers.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return answers


def test_a_worker_that_was_fenced_out_and_its_successor_import_a_chunk_once(tmp_path):
    held, _ = staged(csv_file(tmp_path / "a.csv", *(line(str(number)) for number in range(100, 160))))
    synced, next_chunks = [], []

    def enqueue_chunk(**parameters):
        next_chunks.append(parameters)
        return SimpleNamespace(id=uuid4())

    def work():
        work_off_chunk(held.pk, 1, sync=synced.extend, enqueue_chunk=enqueue_chunk)

    at_once(work, work, work)
    assert (len(synced), next_chunks) == (60, [])
    assert (Invoice.objects.count(), InvoiceLine.objects.count()) == (60, 60)
    assert Import.objects.get().outcomes["invoices"] == {"new": 60}


def test_files_that_hold_the_same_invoices_and_accounts_neither_block_nor_lose_each_other(tmp_path, settings):
    settings.IMPORT_LINES_PER_CHUNK = 7
    numbers = range(1000, 1200)

    def lines(quantity, order):
        return [line(str(n), CustomerID=str(1 + n % 9), Quantity=str(quantity)) for n in sorted(numbers, key=order)]

    files = [
        csv_file(tmp_path / f"{q}.csv", *lines(q, order)) for q, order in enumerate((lambda n: n, lambda n: -n), 1)
    ]
    imports = [staged(path)[0] for path in files]
    finished = at_once(*(lambda held=held: worked_off(held) for held in imports))
    ends = sum((Counter(held.outcomes["invoices"]) for held, _ in finished), Counter())
    assert sum(ends.values()) == 400
    assert (ends["new"], Account.objects.count(), InvoiceLine.objects.count()) == (200, 9, 200)
    assert set(InvoiceLine.objects.values_list("quantity", flat=True)) == {2}
    synced = [(job["external_invoice_id"], job["revision"]) for _, jobs in finished for job in jobs]
    assert len(synced) == len(set(synced)) == 200 + ends["changed"]
