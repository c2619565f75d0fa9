"""Plain, read-only pages: the files are the source, so nothing is edited here."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin

from billing_sync.models import Account, Import, ImportReject, Invoice, InvoiceLine
from billing_sync.tasks import SyncInvoice, email_invoice
from jobs.admin import JobsMixin

REVISIONS = 5  # whose jobs an invoice's page shows: who looks wants to know of the newest


def _nobody(*_: Any) -> bool:
    return False


class ReadOnly(admin.ModelAdmin):
    has_add_permission = has_change_permission = has_delete_permission = _nobody
    # Counting all rows a second time, only to say "of 4,000,000", is not worth the wait.
    show_full_result_count = False


class Lines(admin.TabularInline):
    model = InvoiceLine
    extra = 0
    has_add_permission = has_change_permission = has_delete_permission = _nobody


@admin.register(Account)
class AccountAdmin(ReadOnly):
    list_display = ("customer_id", "country", "email")
    search_fields = ("=customer_id",)


@admin.register(Invoice)
class InvoiceAdmin(JobsMixin, ReadOnly):
    list_display = ("number", "kind", "account", "issued_at", "total", "revision", "synced_revision", "vendor_id")
    list_filter = ("kind",)
    list_select_related = ("account",)
    search_fields = ("=number", "=account__customer_id")
    inlines = (Lines,)

    def jobs_of(self, obj: Invoice) -> Iterator[tuple[Any, dict[str, Any]]]:
        """Of each revision its sync and its mail, the newest first."""
        account = obj.account.customer_id
        for revision in range(obj.revision, max(obj.revision - REVISIONS, 0), -1):
            yield SyncInvoice, {"account_id": account, "external_invoice_id": obj.number, "revision": revision}
            yield email_invoice, {"invoice_id": obj.pk, "revision": revision}


@admin.register(Import)
class ImportAdmin(ReadOnly):
    list_display = ("id", "file_name", "state", "lines", "lines_done", "created_at", "finished_at")
    list_filter = ("state",)


@admin.register(ImportReject)
class ImportRejectAdmin(ReadOnly):
    list_display = ("source", "line", "invoice_no", "column", "reason", "value")
    list_filter = ("reason",)
    list_select_related = ("source",)
    search_fields = ("=invoice_no",)
