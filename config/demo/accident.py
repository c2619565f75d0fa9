"""The accident of the demo: a whole worker is killed while it has jobs in its hands."""

import signal
import time

from config.demo.counts import Counts
from config.demo.member import Member
from config.demo.programs import VICTIM
from idempotency.models import Record
from idempotency.states import State

# In the middle: after this share of the known syncs, or at the latest after so many while the import goes on.
SHARE = 0.3
ENOUGH = 600
# For what the database was already told when the worker froze: after it nothing of the worker's can change.
SETTLING_SECONDS = 0.1


class Accident:
    """Kills the worker once, at a moment when that hurts."""

    def __init__(self, victim: Member) -> None:
        """Nothing has happened yet."""
        self.victim = victim
        self.kills = 0

    def happen(self, counts: Counts) -> int:
        """Kill the worker if it is time and jobs are in flight, and return how many were."""
        if self.kills or not in_the_middle(counts) or not self.victim.ready:
            return 0
        in_flight = 0
        # Frozen first: what is in flight now is in flight when it dies.
        self.victim.signal(signal.SIGSTOP)
        try:
            time.sleep(SETTLING_SECONDS)
            in_flight = Record.objects.filter(queue=VICTIM, state=State.PROCESSING).count()
        finally:
            self.victim.signal(signal.SIGKILL if in_flight else signal.SIGCONT)
        self.kills += bool(in_flight)
        return in_flight


def in_the_middle(counts: Counts) -> bool:
    """Tell whether a good part of the work is done and a good part is not."""
    return counts.settled >= (counts.enqueued * SHARE if counts.imported else ENOUGH)
