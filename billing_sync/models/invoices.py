"""What the business owns: accounts, their invoices and credit notes, and the lines on them."""

from decimal import Decimal

from django.db import models

# A line is at most 9,999,999 pieces at 99,999,999.9999: sixteen digits before the point. Eight more leave room for a
# hundred million such lines on one invoice.
TOTAL_DIGITS, TOTAL_PLACES = 26, 2
PRICE_DIGITS, PRICE_PLACES = 12, 4


class Account(models.Model):
    """A customer, under the number that the wholesaler's files use."""

    customer_id = models.BigIntegerField(unique=True)
    country = models.CharField(max_length=60)
    # Files come in any order, so the country is that of the newest invoice, not of the last file read.
    country_as_of = models.DateTimeField()

    class Meta:
        verbose_name = "account"

    def __str__(self) -> str:
        return f"account {self.customer_id}"

    @property
    def email(self) -> str:
        """The files carry no addresses; this one reaches nobody, by the domain's definition."""
        return f"customer-{self.customer_id}@example.com"


class Invoice(models.Model):
    """An invoice or credit note as the newest file states it; its number is unique within its account."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", "invoice"
        CREDIT_NOTE = "credit_note", "credit note"

    # db_index=False here and below: the unique constraint already begins with it, or nothing ever looks by it.
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices", db_index=False)
    number = models.CharField(max_length=20)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    issued_at = models.DateTimeField()
    # The account's country may change; what was sent to the vendor under one revision may not.
    country = models.CharField(max_length=60)
    currency = models.CharField(max_length=3, default="GBP")
    total = models.DecimalField(max_digits=TOTAL_DIGITS, decimal_places=TOTAL_PLACES)
    revision = models.PositiveIntegerField(default=1)
    digest = models.CharField(
        max_length=64, help_text="sha256 over customer, date, country and lines, whatever their order"
    )
    # The newest file that holds this invoice, and the file that brought the present revision.
    source = models.ForeignKey("Import", on_delete=models.PROTECT, related_name="+", db_index=False)
    revised_by = models.ForeignKey("Import", on_delete=models.PROTECT, related_name="+", db_index=False)
    vendor_id = models.CharField(max_length=40, blank=True)
    synced_revision = models.PositiveIntegerField(default=0, help_text="newest revision at the vendor; 0 is none yet")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["account", "number"], name="invoice_number_once_per_account"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @staticmethod
    def kind_of(number: str) -> str:
        """A credit note is told by the C before its number, here and in the import."""
        return Invoice.Kind.CREDIT_NOTE if number.startswith("C") else Invoice.Kind.INVOICE


class InvoiceLine(models.Model):
    """One line of the present revision. Two equal lines are two lines: the position tells them apart."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveIntegerField()
    stock_code = models.CharField(max_length=40)
    description = models.CharField(max_length=500, blank=True)
    quantity = models.IntegerField()
    unit_price = models.DecimalField(max_digits=PRICE_DIGITS, decimal_places=PRICE_PLACES)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["invoice", "position"], name="line_position_once_per_invoice"),)

    def __str__(self) -> str:
        return f"{self.quantity} x {self.stock_code}"

    @property
    def price(self) -> Decimal:
        """As people write it: in pence, unless it is finer."""
        pence = self.unit_price.quantize(Decimal("0.01"))
        return pence if pence == self.unit_price else self.unit_price
