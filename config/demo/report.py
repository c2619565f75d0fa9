"""The demo's report: our books beside the vendor's."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Greatest
from rich.table import Table

from billing_sync.importing.report import report as imported
from billing_sync.models import Import
from billing_sync.tasks import SyncInvoice
from config.demo import profile
from config.demo.ledger import Ledger
from config.demo.place import Place
from idempotency.audit import audit, breaches
from idempotency.models import Record
from idempotency.states import TERMINAL, State

# What each number says, for people; a number without a word explains itself.
MEANINGS = {
    "rejected": "invoices refused by the importer, each with a reason",
    "enqueued": "invoices to be synced, each a job",
    "failed_permanent": "refused by the vendor: no retry can help",
    "dead_lettered": "given up by machines, waiting for a person",
    "retries": "attempts beyond the first",
    "vendor_effects": "documents in the vendor's own ledger",
    "duplicate_effects": "documents there more than once",
    "lost": "jobs that succeeded without a document there",
    "worker_kills": "by SIGKILL, with jobs in flight",
}


@dataclass(frozen=True)
class Report:
    """The numbers of one run, under the names and in the order of `--json`. Jobs are SyncInvoice's."""

    lines: int
    invoices: int
    credit_notes: int
    rejected: int
    enqueued: int
    succeeded: int
    failed_permanent: int
    dead_lettered: int
    retries: int
    vendor_effects: int
    duplicate_effects: int
    lost: int
    worker_kills: int
    seconds: float
    jobs_per_second: float

    @classmethod
    def draw_up(cls, place: Place, worker_kills: int, seconds: float) -> Self:
        """Count everything anew: nothing here rests on what was shown while the run went on."""
        file = imported(Import.objects.get())
        records = Record.objects.filter(task=SyncInvoice.name)
        ends = {state.value: records.filter(state=state).count() for state in TERMINAL}
        ledger = Ledger.read(place.ledger)
        return cls(
            **{name: file[name] for name in ("lines", "invoices", "credit_notes", "rejected")},
            enqueued=records.count(),
            **ends,
            retries=records.aggregate(n=Sum(Greatest("attempt", 1) - 1))["n"] or 0,
            vendor_effects=ledger.effects,
            duplicate_effects=ledger.duplicates,
            lost=ledger.missing(job.payload for job in records.filter(state=State.SUCCEEDED) if job.payload),
            worker_kills=worker_kills,
            seconds=round(seconds, 2),
            jobs_per_second=round(sum(ends.values()) / seconds, 1),
        )

    @property
    def ended(self) -> int:
        """Jobs that reached an end."""
        return self.succeeded + self.failed_permanent + self.dead_lettered

    def problems(self) -> list[str]:
        """Return what breaks the promise, one sentence each; empty when all is well."""
        found = breaches(connection, audit(connection))
        if self.lost:
            found.append(f"{self.lost} jobs succeeded although the vendor has no document of theirs.")
        if self.duplicate_effects:
            found.append(f"{self.duplicate_effects} documents are at the vendor more than once.")
        if self.enqueued != self.ended:
            found.append(f"{self.enqueued} jobs were enqueued and {self.ended} ended.")
        if self.enqueued and not self.succeeded:
            found.append("No job succeeded: the vendor was never reached.")
        return found

    def as_json(self) -> str:
        """Return one JSON object."""
        return json.dumps(asdict(self))

    def as_table(self) -> Table:
        """Return a table for people, with the profile the numbers were made on."""
        values = ", ".join(f"{name} {value}" for name, value in profile.described())
        caption = f"Demo profile: {values}."
        table = Table(title="What became of it", title_justify="left", caption=caption, show_header=False)
        table.caption_justify = "left"
        table.add_column("")
        table.add_column("", justify="right")
        table.add_column("")
        for name, value in asdict(self).items():
            table.add_row(name.replace("_", " "), f"{value:,}", MEANINGS.get(name, ""))
        return table
