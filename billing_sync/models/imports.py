"""What an import leaves behind: the file's identity, its lines until they are worked off, and the lines refused."""

from typing import Any

from django.db import models

from billing_sync.models.invoices import PRICE_DIGITS, PRICE_PLACES

# Longer than any valid number, so that a bad one is still recognised in the report; short enough for an index entry.
INVOICE_NO_LENGTH = 60
VALUE_LENGTH = 200


def no_outcomes() -> dict[str, Any]:
    return {"lines": {}, "invoices": {}, "credit_notes": {}}


class Import(models.Model):
    """One file, known by the digest of its uncompressed content: the same lines are the same import."""

    class State(models.TextChoices):
        STAGED = "staged", "staged"
        IMPORTING = "importing", "importing"
        DONE = "done", "done"

    sha256 = models.CharField(max_length=64, unique=True)
    file_name = models.CharField(max_length=255)
    state = models.CharField(max_length=9, choices=State.choices, default=State.STAGED)
    lines = models.PositiveBigIntegerField(help_text="lines in the file, without its header")
    lines_done = models.PositiveBigIntegerField(default=0)
    chunks_done = models.PositiveIntegerField(default=0)
    cursor = models.CharField(max_length=INVOICE_NO_LENGTH, blank=True, help_text="last invoice number worked off")
    job_id = models.UUIDField(null=True, help_text="the job that works off the next chunk, or worked off the last")
    # How many lines, invoices and (again, on their own) credit notes came to which end, by the name of the end: "new",
    # "changed", "unchanged", "superseded", or the reason of the refusal.
    outcomes = models.JSONField(default=no_outcomes)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"import {self.pk} of {self.file_name}"


class ImportLine(models.Model):
    """A line between file and invoice. One that breaks a rule keeps its reason and the value that broke it."""

    pk = models.CompositePrimaryKey("source_id", "line")
    source = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="staged", db_index=False)
    line = models.PositiveBigIntegerField(help_text="line of the file; the header is line 1")
    invoice_no = models.CharField(max_length=INVOICE_NO_LENGTH)
    customer_id = models.BigIntegerField(null=True)
    stock_code = models.CharField(max_length=40)
    description = models.CharField(max_length=500)
    quantity = models.IntegerField(null=True)
    unit_price = models.DecimalField(max_digits=PRICE_DIGITS, decimal_places=PRICE_PLACES, null=True)
    issued_at = models.DateTimeField(null=True)
    country = models.CharField(max_length=60)
    reason = models.CharField(max_length=40)
    column = models.CharField(max_length=20)
    value = models.CharField(max_length=VALUE_LENGTH)

    class Meta:
        # Lines of one invoice may stand anywhere in the file: this index is what brings them together.
        indexes = (models.Index(fields=["source", "invoice_no", "line"], name="staged_by_invoice"),)

    def __str__(self) -> str:
        return f"line {self.line} of import {self.source_id}"


class ImportReject(models.Model):
    """A line that kept its invoice from being imported, and why."""

    source = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rejects", db_index=False)
    line = models.PositiveBigIntegerField()
    invoice_no = models.CharField(max_length=INVOICE_NO_LENGTH)
    column = models.CharField(max_length=20)
    reason = models.CharField(max_length=40)
    value = models.CharField(max_length=VALUE_LENGTH, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["source", "line"], name="line_rejected_once_per_import"),)

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"
