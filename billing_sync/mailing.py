"""The mail that brings a customer an invoice."""

from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from billing_sync.models import Invoice


def send(invoice: Invoice) -> None:
    """Through Django's e-mail back-end. Sent twice, it carries the same Message-ID, by which mail programs know it."""
    context = {"invoice": invoice, "lines": invoice.lines.order_by("position")}
    domain = invoice.account.email.rpartition("@")[2]
    EmailMessage(
        subject=" ".join(render_to_string("billing_sync/invoice_subject.txt", context).split()),
        body=render_to_string("billing_sync/invoice_body.txt", context),
        to=[invoice.account.email],
        headers={"Message-ID": f"<{invoice.account.customer_id}-{invoice.number}-{invoice.revision}@{domain}>"},
    ).send()
