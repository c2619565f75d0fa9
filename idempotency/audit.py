"""The conservation audit: every accepted record must be somewhere."""

from dataclasses import asdict, dataclass
from typing import Any

from idempotency.statements import Connection, run


@dataclass(frozen=True, slots=True)
class Books:
    """The counts of one task. They balance when accepted is the sum of all others."""

    task: str
    accepted: int
    succeeded: int
    failed_permanent: int
    dead_lettered: int
    processing: int
    queued: int
    pruned: int

    @property
    def missing(self) -> int:
        """Accepted records that are nowhere; below zero, records that nobody enqueued."""
        return self.accepted - (
            self.succeeded + self.failed_permanent + self.dead_lettered + self.processing + self.queued + self.pruned
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"missing": self.missing, "balanced": self.missing == 0}


def audit(connection: Connection, task: str | None = None) -> list[Books]:
    """The books of each task (or one), all counted in one snapshot."""
    return [Books(*row) for row in run(connection, "audit", task=task)]


def breaches(connection: Connection, books: list[Books]) -> list[str]:
    """What breaks the conservation, one sentence each; empty when the books balance."""
    found = [_breach(b) for b in books if b.missing]
    orphans = [str(id_) for (id_,) in run(connection, "orphans")]
    if orphans:
        found.append(f"attempts are kept of records that are gone: {', '.join(orphans)}")
    return found


def _breach(books: Books) -> str:
    if books.missing > 0:
        return f"{books.task}: {books.missing} accepted records are gone. Something else than the pruner deleted them."
    return f"{books.task}: {-books.missing} records were never enqueued. Something else than `enqueue` inserted them."
