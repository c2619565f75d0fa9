"""The mail that brings a customer an invoice, and the one that tells the billing team of an hour."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db.models import Count, F
from django.template.loader import render_to_string

from billing_sync.models import Import, Invoice

HOUR = timedelta(hours=1)


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


def send_digest(until: datetime) -> dict[str, Any]:
    """Of the hour before `until`. An hour in which nothing happened is not worth a mail."""
    since = until - HOUR
    imports = Import.objects.filter(finished_at__gte=since, finished_at__lt=until)
    unsynced = Invoice.objects.exclude(synced_revision=F("revision")).count()
    if not unsynced and not imports.exists():
        return {"sent": False}
    context = {
        "since": since,
        "until": until,
        "imports": imports.annotate(rejected=Count("rejects")).order_by("pk"),
        "invoices": Invoice.objects.count(),
        "unsynced": unsynced,
    }
    EmailMessage(
        subject=f"Billing, {until:%Y-%m-%d %H:%M}: {unsynced} invoices are not at the vendor",
        body=render_to_string("billing_sync/digest_body.txt", context),
        to=[settings.BILLING_DIGEST_TO],
        headers={"Message-ID": f"<digest-{until:%Y%m%dT%H%M%z}@example.com>"},
    ).send()
    return {"sent": True}
