"""The jobs of this domain: import a file, push an invoice to the billing vendor, mail it."""

from datetime import timedelta
from typing import Any

from django.conf import settings

from billing_sync import ledgerly, mailing
from billing_sync.documents import vendor_document
from billing_sync.importing.chunks import work_off_chunk
from billing_sync.models import Invoice
from jobs import IdempotentTask, PermanentError, RetryPolicy, idempotent_task


class ImportInvoices(IdempotentTask):
    """Work off one chunk of a staged file, and ask for the next.

    A chunk is a job, so that no job is long: imports share a worker, a shutdown waits for none, and a worker that dies
    in the tenth chunk is not held against the first nine.
    """

    queue = "bulk-import"
    owner = "billing"
    dedupe_key = ("import_id", "chunk")

    def run(self, *, import_id: int, chunk: int) -> None:
        work_off_chunk(import_id, chunk, sync=SyncInvoice.enqueue_many, enqueue_chunk=self.enqueue)


class SyncInvoice(IdempotentTask):
    """Push one revision of an invoice or credit note to the billing vendor."""

    queue = "billing-sync"
    owner = "billing"
    dedupe_key = ("account_id", "external_invoice_id", "revision")
    retry_policy = RetryPolicy(
        max_attempts=9,
        base=getattr(settings, "LEDGERLY_RETRY_BASE", timedelta(seconds=2)),
        cap=getattr(settings, "LEDGERLY_RETRY_CAP", timedelta(minutes=15)),
        jitter="full",
    )
    vendor = "ledgerly"
    account = "account_id"
    soft_time_limit, time_limit = 25, 30

    def already_done(self, *, account_id: int, external_invoice_id: str, revision: int) -> dict[str, Any] | None:
        held = ledgerly.find(
            Invoice.kind_of(external_invoice_id), ledgerly.external_id(account_id, external_invoice_id), revision
        )
        return held and {"vendor_id": held["id"]}

    def concerns(self, *, account_id: int, external_invoice_id: str, revision: int) -> Invoice | None:  # noqa: ARG002
        return Invoice.objects.filter(account__customer_id=account_id, number=external_invoice_id).first()

    def run(self, *, account_id: int, external_invoice_id: str, revision: int) -> dict[str, Any]:
        document = vendor_document(account_id, external_invoice_id)
        if document is None:
            raise PermanentError(f"There is no invoice {external_invoice_id} in account {account_id}. Import it again.")
        if document["revision"] != revision:
            return {"superseded_by": document["revision"]}
        return {"vendor_id": ledgerly.create(document, self.job.idempotency_key)["id"]}

    def commit(self, result: dict[str, Any], *, account_id: int, external_invoice_id: str, revision: int) -> None:
        """The mail belongs to a revision that is at the vendor and is still the present one."""
        if "vendor_id" not in result:
            return
        invoices = Invoice.objects.filter(
            account__customer_id=account_id, number=external_invoice_id, revision=revision
        )
        if invoices.update(vendor_id=result["vendor_id"], synced_revision=revision):
            email_invoice.enqueue(invoice_id=invoices.get().pk, revision=revision)


def _mailed(invoice_id: int, revision: int) -> Invoice | None:  # noqa: ARG001
    return Invoice.objects.filter(pk=invoice_id).first()


@idempotent_task(
    queue="critical",
    owner="billing",
    dedupe_key=("invoice_id", "revision"),
    external_effect=True,
    concerns=staticmethod(_mailed),
)
def email_invoice(invoice_id: int, revision: int) -> None:
    """Mail a synced invoice to its customer; not a revision that was replaced meanwhile, for the next one will be."""
    invoice = Invoice.objects.select_related("account").filter(pk=invoice_id, revision=revision).first()
    if invoice:
        mailing.send(invoice)
