"""The jobs of this domain: import a file, push an invoice to the billing vendor, mail it; and those by the clock."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from billing_sync import ledgerly, mailing, pruning, reconciling
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


class ReconcileInvoices(IdempotentTask):
    """Compare a chunk of invoices with the vendor's books, have repaired what differs, and ask for the next chunk."""

    queue = "billing-sync"
    owner = "billing"
    vendor = "ledgerly"
    dedupe_key = ("night", "after")
    calls_per_attempt = reconciling.CHUNK
    priority = -10  # who waits for an invoice comes first

    def run(self, *, night: str, after: int = 0) -> dict[str, Any]:  # noqa: ARG002 - it makes this night's work its own
        invoices = reconciling.chunk(after)
        drift = [found.parameters for found in reconciling.drifted(invoices)]
        return {"looked_at": len(invoices), "drift": drift, "last": invoices[-1].pk if invoices else None}

    def commit(self, result: dict[str, Any], *, night: str, after: int = 0) -> None:  # noqa: ARG002 - as it is called
        for parameters in result["drift"]:
            mend(parameters, night)
        if result["last"] is not None:
            self.enqueue(night=night, after=result["last"])


def mend(parameters: dict[str, Any], night: str) -> None:
    """What was never asked for is asked for now. What is under way, or waits for a person, is left to them."""
    sync = SyncInvoice.enqueue(**parameters)
    if sync.state == "succeeded":
        RepairInvoice.enqueue(**parameters, night=night)


class RepairInvoice(SyncInvoice):
    """Push a revision again that had been synced, and that the vendor does not hold, or holds under another id."""

    dedupe_key = (*SyncInvoice.dedupe_key, "night")

    def already_done(
        self, *, account_id: int, external_invoice_id: str, revision: int, night: str
    ) -> dict[str, Any] | None:
        del night
        return super().already_done(account_id=account_id, external_invoice_id=external_invoice_id, revision=revision)

    def run(self, *, account_id: int, external_invoice_id: str, revision: int, night: str) -> dict[str, Any]:
        del night
        return super().run(account_id=account_id, external_invoice_id=external_invoice_id, revision=revision)

    def commit(
        self, result: dict[str, Any], *, account_id: int, external_invoice_id: str, revision: int, night: str
    ) -> None:
        del night
        super().commit(result, account_id=account_id, external_invoice_id=external_invoice_id, revision=revision)


@idempotent_task(queue="default", owner="billing", dedupe_key=("until",), external_effect=True)
def mail_digest(until: str) -> dict[str, Any]:
    """Tell the billing team what happened in the hour before `until`, a moment as ISO 8601."""
    return mailing.send_digest(datetime.fromisoformat(until))


@idempotent_task(queue="default", owner="billing", dedupe_key=("week",))
def prune_imports(week: str) -> dict[str, int]:  # noqa: ARG001 - it makes this week's work its own
    """Delete what old imports left behind."""
    return pruning.prune_imports()
