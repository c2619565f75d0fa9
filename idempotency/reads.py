"""What others may ask of the records. Nothing here writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from idempotency.claims import Backlog
from idempotency.statements import Connection, loads, run
from idempotency.states import PauseKind, State

AHEAD_COUNTED = 10_000  # records before a job in its queue: beyond it the number tells nobody more
IN_HAND_COUNTED = 1_000  # records in workers' hands: enough to know how fast a queue drains


@dataclass(frozen=True, slots=True)
class Outcome:
    state: State
    result: Any
    reason: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one record stands and what stands in its way; times are the database's, spans are seconds."""

    id: UUID
    task: str
    queue: str
    state: State
    key: UUID | None
    attempt: int
    max_attempts: int
    due_in: float
    lease_left: float | None
    claimed_by: str | None
    parked_reason: str | None
    reason: str | None
    error: str | None
    intent_at: datetime | None
    finished_at: datetime | None
    pruned_at: datetime | None
    held: bool
    is_retry: bool
    paused: bool
    pause_left: float | None
    pause_reason: str | None
    paused_by: str | None
    probing: bool
    ramping: bool
    has_retry_budget: bool
    ahead: int


def now(connection: Connection) -> datetime:
    """The time that all records are measured by."""
    moment: datetime = run(connection, "now")[0][0]
    return moment


def outcome(connection: Connection, id_: UUID) -> Outcome | None:
    for state, result, reason, error in run(connection, "outcome", id=id_):
        return Outcome(State(state), loads(result), reason, error)
    return None


def standing(connection: Connection, id_: UUID) -> Standing | None:
    for found, task, queue, state, *rest in run(connection, "standing", id=id_, cap=AHEAD_COUNTED):
        return Standing(found, task, queue, State(state), *rest)
    return None


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a record, and under which claim; of one that nobody holds, who did last."""

    state: State
    token: int
    lease_id: UUID | None
    claimed_by: str | None


def holder(connection: Connection, id_: UUID) -> Holder | None:
    for state, *claim in run(connection, "holder", id=id_):
        return Holder(State(state), *claim)
    return None


def backlog(connection: Connection, queues: Sequence[str], *, cap: int) -> list[Backlog]:
    """One entry per queue; claimable records are counted up to `cap`, so that a long backlog costs no more."""
    return [Backlog(*row) for row in run(connection, "backlog", queues=list(queues), cap=cap)]


@dataclass(frozen=True, slots=True)
class Depth:
    """What a queue holds. `claimable` is what a claim would take now; `waiting` is not due yet or paused."""

    queue: str
    claimable: int
    waiting: int
    parked: int
    held: int
    processing: int
    given_up: int
    paused: bool


def depths(connection: Connection, queues: Sequence[str]) -> list[Depth]:
    """One entry per queue, counted whole."""
    return [Depth(*row) for row in run(connection, "depths", queues=list(queues))]


@dataclass(frozen=True, slots=True)
class Pause:
    """A queue that is not open. `paused` False: its pause is over, and one probe is to find out what comes next.

    `since` is the episode's start: failed probes and relapses during the ramp do not begin a new one.
    """

    queue: str
    vendor: str | None
    paused: bool
    kind: PauseKind
    reason: str | None
    by: str | None
    since: datetime | None
    until: datetime | None
    lasts: timedelta


def pauses(connection: Connection) -> list[Pause]:
    """Every queue that is paused or being probed."""
    return [
        Pause(name, vendor, paused, PauseKind(kind), reason, by, since, until, timedelta(seconds=lasts))
        for name, vendor, paused, kind, reason, by, since, until, lasts in run(connection, "pauses")
    ]


@dataclass(frozen=True, slots=True)
class Live:
    """What a queue holds, each number counted up to a cap. `due` would be claimed, were the queue open."""

    queue: str
    due: int
    oldest: float | None  # seconds since the first of them was due
    later: int
    held: int
    parked: int
    running: int


def live(connection: Connection, queues: Sequence[str], *, cap: int) -> list[Live]:
    """One entry per queue, in their order; costs what lives, whatever has ended."""
    return [Live(*row) for row in run(connection, "live", queues=list(queues), cap=cap)]


@dataclass(frozen=True, slots=True)
class Gate:
    """What restrains a queue. `since` is the episode's start, `paused_at` the pause's; spans are seconds."""

    queue: str
    vendor: str | None
    paused: bool
    probing: bool
    ramping: bool
    kind: str
    reason: str
    by: str
    paused_at: datetime | None
    until: datetime | None
    since: datetime | None
    left: float | None
    lasts: float | None
    failures: int
    calls_per_second: float | None


def gates(connection: Connection, queues: Sequence[str]) -> dict[str, Gate]:
    """Those of the queues of which anything is known, by name."""
    return {row[0]: Gate(*row) for row in run(connection, "gates", queues=list(queues))}


def given_up(connection: Connection, *, cap: int) -> tuple[int, int]:
    """Jobs dead-lettered in the last hour, and given-up jobs that wait for a person; each counted up to `cap`."""
    lately, unresolved = run(connection, "given_up", cap=cap)[0]
    return lately, unresolved


def is_paused(connection: Connection, queue: str) -> bool:
    return bool(run(connection, "paused", queue=queue)[0][0])


def waiting(connection: Connection, queue: str, *, cap: int) -> tuple[int, int]:
    """How many records wait in the queue, due or not, and how many are held, each up to `cap`.

    Parked ones wait for a newer worker, not for room, and count in neither.
    """
    waiting, held = run(connection, "waiting", queue=queue, cap=cap)[0]
    return waiting, held


def holding(connection: Connection, queues: Sequence[str]) -> list[str]:
    """Those of the queues that hold records back."""
    return [name for (name,) in run(connection, "held", queues=list(queues))]


def drain_rate(connection: Connection, queue: str) -> float:
    """About how many records a second leave the queue; 0.0 while nobody works on it.

    Records in hand by the time each is in hand. A look meets them half way on average, hence twice their age.
    """
    count, age = run(connection, "in_hand", queue=queue, cap=IN_HAND_COUNTED)[0]
    return float(count / (2 * age)) if age else 0.0
