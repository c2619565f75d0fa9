"""Given-up jobs and people, for tests of review."""

import html
import re
from datetime import timedelta
from functools import partial

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse

from billing_sync.tasks import SyncInvoice, email_invoice
from idempotency import transitions
from idempotency.claims import Claimed, Problem
from idempotency.models import Attempt, Record
from idempotency.states import Reason
from tests.records import OOPS, claim

PASSWORD = "for tests alone"
NOW = timedelta(0)


def person(*permissions: str, name: str = "operator"):
    """A member of staff who has these permissions and no other."""
    user = get_user_model().objects.create_user(name, password=PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return user


def take(job) -> Claimed:
    """Claim one job, whatever else waits in its queue."""
    queue = Record.objects.get(id=job.id).queue
    while batch := claim(connection, queue=queue):
        for claimed in batch:
            if claimed.id == job.id:
                return claimed
    raise AssertionError(f"{job.id} cannot be claimed")


def given_up(task, problem: Problem = OOPS, reason: Reason = Reason.POISON, **payload) -> Record:
    """A job that ended without success: failed_permanent for a permanent reason, else dead_lettered."""
    claimed = take(task.enqueue(**payload))
    if reason is Reason.PERMANENT:
        transitions.fail(connection, claimed, problem)
    else:
        transitions.dead_letter(connection, claimed, reason=reason, problem=problem)
    return Record.objects.get(id=claimed.id)


def invoice(number: int, error: str, reason: Reason = Reason.ATTEMPTS_EXHAUSTED, account: int = 7) -> Record:
    """A sync of invoice `INV-number` that ended with an error like `HTTPStatusError: …`."""
    error_class, _, message = error.partition(": ")
    problem = Problem(error_class, message, traceback=f"Traceback (most recent call last):\n  …\n{error}")
    payload = {"account_id": account, "external_invoice_id": f"INV-{number}", "revision": 1}
    return given_up(SyncInvoice, problem, reason, **payload)


def token_in(page: str) -> str:
    """The signed token of a confirmation page."""
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found, "no form on this page"
    return html.unescape(found[1])


def address(record: Record, decision: str = "") -> str:
    if not decision:
        return reverse("admin:idempotency_record_change", args=[record.id])
    return reverse("admin:idempotency_record_decide", args=[record.id, decision])


def decide(client, record: Record, decision: str, *, why: str = "as agreed", **fields):
    """Look at the confirmation page and confirm it, as a browser does."""
    token = token_in(client.get(address(record, decision)).content.decode())
    return client.post(address(record, decision), {"token": token, "why": why, **fields}, follow=True)


def an_inbox() -> list[Record]:
    """What an ordinary bad morning leaves behind."""
    unreachable = "ConnectTimeout: the vendor did not answer within 10 s"
    records = [invoice(1000 + n, unreachable, account=20 + n % 6) for n in range(14)]
    refused = "HTTPStatusError: Client error '422 Unprocessable Content': customer {} has no tax number"
    records += [invoice(2000 + n, refused.format(f"C-{n}"), Reason.PERMANENT, account=40 + n) for n in range(5)]
    records += [invoice(3000, "LeaseExpired: the lease ran out: the worker died", Reason.POISON, account=9)]
    mail = partial(given_up, email_invoice, Problem("SMTPServerDisconnected", "Connection unexpectedly closed"))
    records += [mail(Reason.UNKNOWN_OUTCOME, invoice_id=n, revision=1) for n in range(3)]
    return records


def grow_old(record: Record, span: timedelta) -> None:
    """As if it had been given up this long ago."""
    moved = {name: getattr(record, name) - span for name in ("created_at", "finished_at") if getattr(record, name)}
    Record.objects.filter(id=record.id).update(**moved)
    for attempt in Attempt.objects.filter(record=record):
        Attempt.objects.filter(pk=attempt.pk).update(finished_at=attempt.finished_at - span)
