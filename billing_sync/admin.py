"""Plain, read-only pages: the files are the source, so nothing is edited here."""

from typing import Any

from django.contrib import admin

from billing_sync.models import Account, Import, ImportReject, Invoice, InvoiceLine


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
class InvoiceAdmin(ReadOnly):
    list_display = ("number", "kind", "account", "issued_at", "total", "revision", "synced_revision", "vendor_id")
    list_filter = ("kind",)
    list_select_related = ("account",)
    search_fields = ("=number", "=account__customer_id")
    inlines = (Lines,)


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
