from billing_sync.models.imports import Import, ImportLine, ImportReject
from billing_sync.models.invoices import Account, Invoice, InvoiceLine

__all__ = ["Account", "Import", "ImportLine", "ImportReject", "Invoice", "InvoiceLine"]
