"""How far the run has come, by the records in PostgreSQL and the import's own row."""

from collections import Counter
from dataclasses import dataclass
from typing import Self

from django.db.models import Count

from billing_sync.models import Import
from billing_sync.tasks import SyncInvoice
from idempotency.models import Record
from idempotency.states import TERMINAL, State


@dataclass(frozen=True)
class Counts:
    """Records by task and state at one moment, and the lines of the file that are worked off."""

    records: Counter[tuple[str, str]]
    lines: int
    lines_done: int
    imported: bool

    @classmethod
    def read(cls) -> Self:
        """Read them from the database."""
        rows = Record.objects.values_list("task", "state").annotate(count=Count("*")).order_by()
        held = Import.objects.get()
        records = Counter({(task, state): count for task, state, count in rows})
        return cls(records, held.lines, held.lines_done, held.state == Import.State.DONE)

    def of(self, *states: State, task: str = SyncInvoice.name) -> int:
        """Return how many records of a task, the sync unless told, are in one of these states."""
        return sum(self.records[task, state] for state in states)

    @property
    def enqueued(self) -> int:
        """Syncs asked for so far."""
        return self.of(*State)

    @property
    def settled(self) -> int:
        """Syncs that reached an end."""
        return self.of(*TERMINAL)

    @property
    def unsettled(self) -> int:
        """Records of all tasks that are waiting or being worked on."""
        return sum(count for (_, state), count in self.records.items() if state not in TERMINAL)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.imported and not self.unsettled
