"""What passes between the records and those who work on them, as frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from idempotency.states import State


class Request(NamedTuple):
    """One record to write: its id and digests as hexadecimal digits, and its payload as checked JSON text.

    Text, and a tuple: a hundred thousand of them are made at once, and most of their ids are never looked at.
    """

    id: str
    key: str | None
    fingerprint: str
    payload: str
    account: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as a person saw it: what has changed since has another token, and is left alone."""

    id: UUID
    token: int

    @classmethod
    def parse(cls, text: str) -> "Seen":
        """From `id:token`. Raises ValueError for anything else."""
        id_, _, token = text.partition(":")
        return cls(UUID(id_), int(token))

    def __str__(self) -> str:
        return f"{self.id}:{self.token}"


@dataclass(frozen=True, slots=True)
class Terms:
    """What all records of one enqueue share. `dedupe_window` None: a key is taken for ever.

    `held`: accepted while the queue is full; `transitions.release` lets them in.
    """

    task: str
    queue: str
    payload_version: int
    max_attempts: int
    solo: bool
    run_after: datetime | None
    delay: timedelta
    options: str | None
    dedupe_window: timedelta | None
    priority: int = 0
    calls: int = 1
    held: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A record that answers for a request, written now (`created`) or before."""

    id: UUID
    key: UUID | None
    fingerprint: UUID
    state: State
    result: Any
    created: bool
    claimable: bool
    window_passed: bool


class Claimed(NamedTuple):  # a frozen dataclass of so many fields takes eight times as long to make
    """One record in the hands of a worker. `fencing_token` and `lease_id` prove the ownership in every write."""

    id: UUID
    task: str
    key: UUID | None
    payload: Mapping[str, Any]
    payload_version: int
    options: Mapping[str, Any] | None
    attempt: int
    max_attempts: int
    fencing_token: int
    solo: bool
    available_at: datetime
    replay_count: int
    intent_at: datetime | None  # when an earlier attempt was about to have its outside effect
    created_at: datetime
    calls: int  # to the vendor, in one attempt
    number: int  # within the claim: the order in which its jobs are to run
    line: int
    account_hash: int
    turn: int  # of its account, among those that this claim came to
    slot_at: float | None  # this process's monotonic time of its first call's slot; empty: no limit
    # -- of all records of the claim
    queue: str
    lease_id: UUID
    claimed_by: str
    lease_expires_at: datetime
    left_others: bool  # more stood in line than this claim took
    doubtful: bool  # the vendor has failed lately: how this job ends is news
    apart: float | None  # seconds between two slots
    late: float | None  # seconds a call may come after its slot


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong in one attempt, cut to size and free of what PostgreSQL cannot store.

    `nothing_done`: the attempt is known to have had no outside effect, which takes its intent back.
    """

    error_class: str
    message: str
    traceback: str | None = None
    started_at: datetime | None = None
    nothing_done: bool = False

    @property
    def summary(self) -> str:
        return f"{self.error_class}: {self.message}" if self.message else self.error_class


@dataclass(frozen=True, slots=True)
class Backlog:
    """A queue as the relay sees it: claimable records (counted up to a cap), seconds until more are."""

    queue: str
    claimable: int
    is_vendors: bool
    next_due_in: float | None
    open_in: float | None  # until its pause ends or its next slot comes
