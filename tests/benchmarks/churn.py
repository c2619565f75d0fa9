"""Records that come, are claimed, settled and pruned, by the transitions alone: the database's part of a job."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.benchmarks import cpu

BATCH = 200  # records in a claim, the most that workers take
CHUNK = 1_000  # records in an enqueue
QUEUE = "default"


@dataclass
class Spent:
    """What the claims and settles of some jobs took.

    Args:
        jobs: in each claim.
        claims_ms: of each claim, milliseconds.
        cpu_us: of the backend's processor up to the end of each claim's settle, microseconds.
    """

    jobs: list[int] = field(default_factory=list)
    claims_ms: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def cpu_us_per_job(self, begin: float = 0.0, end: float = 1.0) -> float:
        """Of that part of the claims; a part of some thousand jobs can be told from another, a shorter one cannot."""
        first, last = int(begin * len(self.jobs)), max(1, int(end * len(self.jobs)))
        return (self.cpu_us[last] - self.cpu_us[first]) / sum(self.jobs[first:last])


def enqueue(connection: Any, jobs: int, *, key: str | None = None) -> None:
    """With a key of their own each, where a word for it is given."""
    from tests.records import enqueue as write

    for first in range(0, jobs, CHUNK):
        some = range(first, min(first + CHUNK, jobs))
        write(connection, *(key and f"{key}-{number}" for number in some))


def drain(connection: Any) -> Spent:
    """Claim and settle until nothing is due."""
    from idempotency import transitions

    backend = {"backend": connection.info.backend_pid}
    spent = Spent(cpu_us=[cpu.used(backend)["backend"]])
    for batch in _claims(connection, spent):
        transitions.succeed(connection, batch, ["null"] * len(batch))
        spent.jobs.append(len(batch))
        spent.cpu_us.append(cpu.used(backend)["backend"])
    return spent


def _claims(connection: Any, spent: Spent) -> Iterator[Any]:
    from idempotency import transitions
    from tests.records import LEASE

    while True:
        began = time.perf_counter()
        batch = transitions.claim(connection, QUEUE, limit=BATCH, lease=LEASE, claimed_by="churn")
        if not batch:
            return
        spent.claims_ms.append((time.perf_counter() - began) * 1e3)
        yield batch
