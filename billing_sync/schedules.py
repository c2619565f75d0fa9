"""What this domain does by the clock. `manage.py jobs sync-schedules` brings it to the tables."""

from datetime import timedelta

from billing_sync.tasks import ReconcileInvoices, mail_digest, prune_imports
from jobs.schedules import Schedule

LONDON = "Europe/London"  # where the wholesaler's night is

Schedule(
    "billing: nightly reconciliation",
    ReconcileInvoices,
    crontab="15 3 * * *",
    zone=LONDON,
    kwargs={"night": "{tick:%Y-%m-%d}"},
    overlap="skip",
    pause_after=3,
    description="Compares every invoice with the vendor's books and repairs what differs.",
)
Schedule(
    "billing: hourly mail digest",
    mail_digest,
    crontab="0 * * * *",
    zone=LONDON,
    kwargs={"until": "{tick}"},
    missed="all",
    catch_up=timedelta(days=1),
    description="Tells the billing team what was imported within the hour, and what is not at the vendor yet.",
)
Schedule(
    "billing: weekly pruning",
    prune_imports,
    crontab="30 4 * * sun",
    zone=LONDON,
    kwargs={"week": "{tick:%G-W%V}"},
    description="Deletes refused lines of imports that ended a quarter ago.",
)
