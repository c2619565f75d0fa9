"""`self.job`: what a running attempt knows of itself."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from idempotency.claims import Claimed

if TYPE_CHECKING:
    from jobs.worker.settle import Settler


@dataclass(slots=True)
class Job:
    """One attempt at one job. The public names are properties; the rest belongs to the worker."""

    claimed: Claimed
    settler: "Settler"
    around: frozenset[str] = frozenset()  # databases with a transaction that was open before (a test's)
    entered: bool = False
    settled: bool = False

    @property
    def id(self) -> UUID:
        return self.claimed.id

    @property
    def key(self) -> UUID | None:
        """Digest of the dedupe key; None where every call is its own work."""
        return self.claimed.key

    @property
    def attempt(self) -> int:
        """Counted from 1."""
        return self.claimed.attempt

    @property
    def max_attempts(self) -> int:
        return self.claimed.max_attempts

    @property
    def idempotency_key(self) -> str:
        """The same over all attempts and replays: hand it to the vendor."""
        return str(self.claimed.id)

    @property
    def lease_expires_at(self) -> datetime:
        """As claimed; the worker prolongs it while the job runs."""
        return self.claimed.lease_expires_at
