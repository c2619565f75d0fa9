"""Waiting for what real workers do, and taking down what they have done."""

from collections import Counter

from django.db.models import Count, F

from billing_sync.models import Account, Import, ImportReject, Invoice, InvoiceLine
from billing_sync.tasks import SyncInvoice, email_invoice
from billing_sync.vendor_simulator.ledger import Document
from idempotency.models import Record
from idempotency.states import TERMINAL
from tests.processes import wait_until


def unfinished():
    return list(Record.objects.exclude(state__in=TERMINAL).values_list("task", "state").annotate(Count("id")))


def wait_until_all_is_done(timeout=60):
    """Every import, and every job that came of it."""
    wait_until(lambda: not Import.objects.exclude(state="done").exists(), timeout, f"imports are done: {unfinished()}")
    wait_until(lambda: not unfinished(), timeout, "all jobs have come to an end")


def ends(task):
    """How many of the task's jobs came to which end."""
    return dict(Record.objects.filter(task=task.name).values_list("state").annotate(Count("id")))


def effects_expected():
    """What the vendor's ledger must hold: one effect for each job that succeeded, told by the jobs alone."""
    return effects_of("succeeded")


def effects_of(state):
    """One effect for each job in this state."""
    jobs = Record.objects.filter(task=SyncInvoice.name, state=state).values_list("payload", flat=True)
    return Counter(
        Document(
            Invoice.kind_of(job["external_invoice_id"]),
            f"{job['account_id']}-{job['external_invoice_id']}",
            job["revision"],
        )
        for job in jobs
    )


def everything():
    """All that imports and jobs have left in the database, without the numbers that sequences and clocks gave."""
    invoice = ("account__customer_id", "number", "kind", "issued_at", "country", "total", "revision", "synced_revision")
    line = ("invoice__number", "position", "stock_code", "description", "quantity", "unit_price")
    reject = ("line", "invoice_no", "column", "reason", "value")
    return {
        "accounts": sorted(Account.objects.values_list("customer_id", "country", "country_as_of")),
        "invoices": sorted(Invoice.objects.values_list(*invoice)),
        "lines": sorted(InvoiceLine.objects.values_list(*line)),
        "rejects": sorted(ImportReject.objects.values_list(*reject)),
        "imports": sorted(Import.objects.values_list("sha256", "state", "lines", "lines_done", "chunks_done")),
        "outcomes": [held.outcomes for held in Import.objects.order_by("sha256")],
        "jobs": sorted(Record.objects.values_list("task", "state").annotate(Count("id"))),
        "synced": Invoice.objects.filter(revision=F("synced_revision")).exclude(vendor_id="").count(),
        "mailed": ends(email_invoice),
    }
