"""What the records should be: the same rules once more, in memory and without SQL."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from idempotency.claims import Claimed
from idempotency.states import REVIEWABLE, TERMINAL, Reason, Resolution, State

POISON_DEATHS = 3
GIVE_BACKS = 2


@dataclass
class Job:
    id: UUID
    key: UUID | None
    max_attempts: int
    solo: bool
    due: bool
    state: State = State.QUEUED
    reason: Reason | None = None
    attempt: int = 0
    token: int = 0
    lease: UUID | None = None
    claimed_by: str | None = None
    alone: bool = False
    deaths: int = 0
    given_back: int = 0
    replays: int = 0
    parked: bool = False
    pruned: bool = False
    freed_key: UUID | None = None
    resolution: Resolution | None = None
    replaces: UUID | None = None

    COLUMNS = ("state", "reason", "key", "attempt", "fencing_token", "deaths", "given_back",
               "replay_count", "solo", "parked_reason IS NOT NULL", "pruned_at IS NOT NULL", "freed_key",
               "resolution", "replaces")  # fmt: skip

    def row(self):
        return (self.state, self.reason, self.key, self.attempt, self.token, self.deaths,
                self.given_back, self.replays, self.solo, self.parked, self.pruned, self.freed_key,
                self.resolution, self.replaces)  # fmt: skip

    def owned_by(self, claimed: Claimed) -> bool:
        return (self.state, self.token, self.lease) == (State.PROCESSING, claimed.fencing_token, claimed.lease_id)

    def claim(self, claimed: Claimed, *, alone: bool, claimed_by: str) -> None:
        self.state, self.alone, self.lease, self.claimed_by = State.PROCESSING, alone, claimed.lease_id, claimed_by
        self.attempt, self.token = self.attempt + 1, self.token + 1

    def end(self, state: State, reason: Reason | None = None) -> None:
        self.state, self.reason, self.parked = state, reason, False

    def wait(self, *, due: bool) -> None:
        self.state, self.due = State.QUEUED, due

    def retry(self, *, due: bool) -> None:
        if self.attempt >= self.max_attempts:
            self.end(State.DEAD_LETTERED, Reason.ATTEMPTS_EXHAUSTED)
        else:
            self.wait(due=due)

    def give_back(self, *, parked: bool) -> None:
        if parked or self.given_back < GIVE_BACKS:
            self.attempt -= 1
        self.given_back += not parked
        self.parked = parked
        self.wait(due=True)

    def reap(self) -> None:
        self.solo = True
        if not self.alone:
            self.attempt -= 1
            self.wait(due=True)
            return
        self.deaths += 1
        if self.deaths >= POISON_DEATHS:
            self.end(State.DEAD_LETTERED, Reason.POISON)
        elif self.attempt >= self.max_attempts:
            self.end(State.DEAD_LETTERED, Reason.ATTEMPTS_EXHAUSTED)
        else:
            self.wait(due=self.deaths == 1)

    def replay(self) -> None:
        self.state, self.reason, self.due = State.QUEUED, None, True
        self.key, self.freed_key = self.key or self.freed_key, None
        self.attempt = self.deaths = self.given_back = 0
        self.resolution = None
        self.replays, self.token = self.replays + 1, self.token + 1

    def resolve(self, resolution: Resolution) -> None:
        self.resolution, self.token = resolution, self.token + 1

    def be_superseded(self, successor: UUID) -> "Job":
        self.resolve(Resolution.SUPERSEDED)
        key, self.key, self.freed_key = self.key or self.freed_key, None, None
        return Job(successor, key, self.max_attempts, self.solo, due=True, replaces=self.id)


@dataclass
class Model:
    jobs: dict[UUID, Job] = field(default_factory=dict)

    def rows(self):
        return {job.id: job.row() for job in self.jobs.values()}

    def of(self, *states: State) -> list[Job]:
        return [job for job in self.jobs.values() if job.state in states]

    def holder(self, key: UUID | None) -> Job | None:
        return next((job for job in self.jobs.values() if key and job.key == key), None)

    def free(self, keys: Iterable[UUID | None]) -> None:
        """The window of these keys has passed for work that is finished."""
        for key in keys:
            if (job := self.holder(key)) and job.state in TERMINAL:
                job.key, job.freed_key = None, job.key

    def claimable(self) -> dict[UUID, Job]:
        return {j.id: j for j in self.of(State.QUEUED) if j.due and not j.parked and j.attempt < j.max_attempts}

    def spent(self) -> list[Job]:
        waiting = [job for job in self.of(State.QUEUED) if job.due and not job.parked]
        return [job for job in waiting if job.attempt >= job.max_attempts]

    def replayable(self, job: Job) -> bool:
        """A key that was freed comes back only where no newer job holds it."""
        superseded = job.resolution is Resolution.SUPERSEDED
        return job.state in REVIEWABLE and not superseded and not self.holder(job.freed_key)
