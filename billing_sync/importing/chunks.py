"""One chunk of an import: some whole invoices, from staging to done, in one transaction.

Invoices, refused lines, cursor, counts and the jobs that sync the invoices become true together, so a worker may die
anywhere: the next one goes on behind the last finished chunk and reaches the same end.
"""

from collections.abc import Callable
from typing import Any, Protocol

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from billing_sync.importing.outcomes import with_outcomes
from billing_sync.importing.reasons import CUSTOMER_DISAGREES
from billing_sync.importing.sql import Row, rows
from billing_sync.models import Import, ImportLine, InvoiceLine

# A fraction of a second: little is lost to a kill, and progress is seen. Lines are counted, for an invoice may have one
# or ten thousand; those of the last invoice come on top, because an invoice is never torn apart.
LINES_PER_CHUNK = 4_000

Sync = Callable[[list[dict[str, Any]]], object]


class EnqueueChunk(Protocol):
    """`ImportInvoices.enqueue`; what it returns knows its job's id."""

    def __call__(self, *, import_id: int, chunk: int) -> Any: ...


def work_off_chunk(import_id: int, chunk: int, *, sync: Sync, enqueue_chunk: EnqueueChunk) -> None:
    """Imports the next invoices, hands the new and changed ones to `sync`, and enqueues the next chunk if there is one.

    A chunk that was worked off before, by an attempt whose worker died too late, adds nothing.
    """
    lines: int = getattr(settings, "IMPORT_LINES_PER_CHUNK", LINES_PER_CHUNK)
    with transaction.atomic():
        # Two workers may hold the same job for a moment, one of them fenced out without knowing it yet: one at a time.
        held = Import.objects.select_for_update().get(pk=import_id)
        if held.chunks_done >= chunk:
            return
        numbers = [row["invoice_no"] for row in rows("next_numbers", source=held.pk, cursor=held.cursor, lines=lines)]
        _work_off(held, numbers, sync)
        held.chunks_done = chunk
        if held.lines_done < held.lines:
            held.state = Import.State.IMPORTING
            held.job_id = enqueue_chunk(import_id=held.pk, chunk=chunk + 1).id
        else:
            held.state, held.finished_at = Import.State.DONE, timezone.now()
        held.save()


def _work_off(held: Import, numbers: list[str], sync: Sync) -> None:
    rejects = rows("reject_lines", source=held.pk, numbers=numbers, disagrees=CUSTOMER_DISAGREES)
    refused = {reject["invoice_no"] for reject in rejects}
    invoices = _save_invoices(held, [number for number in numbers if number not in refused])
    staged = ImportLine.objects.filter(source=held, invoice_no__in=numbers)
    lengths = dict(staged.values_list("invoice_no").annotate(models.Count("line")))
    staged.delete()
    held.cursor = numbers[-1]
    held.lines_done += sum(lengths.values())
    held.outcomes = with_outcomes(held.outcomes, lengths, rejects, invoices)
    if revised := [_sync_parameters(invoice) for invoice in invoices if invoice["revised"]]:
        sync(revised)


def _save_invoices(held: Import, numbers: list[str]) -> list[Row]:
    rows("upsert_accounts", source=held.pk, numbers=numbers)
    invoices = rows("upsert_invoices", source=held.pk, numbers=numbers)
    revised = [invoice["id"] for invoice in invoices if invoice["revised"]]
    InvoiceLine.objects.filter(invoice__in=revised).delete()
    rows("insert_lines", source=held.pk, numbers=numbers, invoices=revised)
    return invoices


def _sync_parameters(invoice: Row) -> dict[str, Any]:
    return {
        "account_id": invoice["customer_id"],
        "external_invoice_id": invoice["number"],
        "revision": invoice["revision"],
    }
