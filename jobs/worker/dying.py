"""What is told of a process that died: the job that it ran, and whether its hard limit killed it."""

from dataclasses import dataclass
from uuid import UUID

from idempotency import reads
from idempotency.reads import Standing
from idempotency.states import State
from jobs import observers
from jobs.observers import Death
from jobs.own_connection import OwnConnection
from jobs.task import registered
from jobs.worker import shared

SIGNAL, KILLED = "signal ", "signal 9"  # in what billiard says


@dataclass(slots=True)
class Dying:
    """One process that died, as the worker's parent noticed it: `how` and `at` which time of the machine's clock."""

    how: str
    at: float
    ran: Standing | None = None
    since: float = 0.0

    @property
    def kind(self) -> str:
        """As the metric calls it: one of the catalogue's DEATHS."""
        return "killed" if KILLED in self.how else "crashed" if SIGNAL in self.how else "exited"

    def look(self, own: OwnConnection, pid: int) -> None:
        """Before its records are returned: who will ask later finds them in other hands."""
        if observers.watching and (found := shared.in_hand(pid)):
            id_, self.since = found
            self.ran = own.insist(lambda c: reads.standing(c, id_))

    def tell(self, became: dict[UUID, State]) -> None:
        """Tell observers what became of its job."""
        if self.ran is not None and self.ran.id in became:
            death = self._death(self.ran, became[self.ran.id])
            observers.tell(lambda o: o.died(death))

    def _death(self, ran: Standing, state: State) -> Death:
        task, seconds = registered().get(ran.task), self.at - self.since
        hard = task.limits()[1] if task else None
        # A death is noticed up to some seconds late: who is killed right before the limit is counted with it.
        limit = hard if hard and KILLED in self.how and seconds >= hard else None
        vendor = task.vendor if task else None
        return Death(ran.id, ran.task, ran.queue, ran.key, ran.attempt, state, seconds, vendor, limit)


def tell_of_leases(own: OwnConnection, ended: dict[UUID, State]) -> None:
    """By the relay: of records whose lease ran out, or whose attempts did; of the first ones, where a fleet died."""
    for id_, state in list(ended.items())[:MOST] if observers.watching else ():
        found = own.once(lambda c, id_=id_: reads.standing(c, id_))  # type: ignore[misc]
        if found is None:
            continue
        task = registered().get(found.task)
        vendor = task.vendor if task else None
        death = Death(id_, found.task, found.queue, found.key, found.attempt, state, None, vendor, lease_ran_out=True)
        observers.tell(lambda o, death=death: o.died(death))  # type: ignore[misc]


MOST = 20  # told of in one tick: they are one issue, and ten thousand lookups would hold up the hints
