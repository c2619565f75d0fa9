"""The state machine of a record, as data: five states and the arrows between them.

The CHECK constraints, the property test and the operators' pages are made from this table, so that none can disagree
with it. Each arrow is one function of `transitions.py` and one file of `sql/` under the same name.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    QUEUED = "queued"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED_PERMANENT = "failed_permanent"
    DEAD_LETTERED = "dead_lettered"


class Reason(StrEnum):
    """Why a record ended without success."""

    PERMANENT = "permanent"
    CANCELLED = "cancelled"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    POISON = "poison"
    UNKNOWN_OUTCOME = "unknown_outcome"


class Resolution(StrEnum):
    """What a person made of a given-up record, other than sending it again."""

    DISCARDED = "discarded"
    SUPERSEDED = "superseded"  # a successor with a corrected payload took its key


class PauseKind(StrEnum):
    """Why nobody claims from a queue."""

    OPERATOR = "operator"  # a person said so
    RATE_LIMIT = "rate_limit"  # the vendor did
    REFUSED = "refused"  # it does not take our credentials
    CIRCUIT = "circuit"  # it failed too often, one time after the other


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED_PERMANENT, State.DEAD_LETTERED})
REVIEWABLE = frozenset({State.FAILED_PERMANENT, State.DEAD_LETTERED})


@dataclass(frozen=True, slots=True)
class Arrow:
    """One legal change of state; `source` is None where the record does not exist yet."""

    name: str
    source: State | None
    target: State
    why: str
    reasons: frozenset[Reason] = frozenset()


ARROWS = (
    Arrow("enqueue", None, State.QUEUED, "a caller asked for the work, in its own transaction"),
    Arrow("claim", State.QUEUED, State.PROCESSING, "a worker took it for one attempt"),
    Arrow("succeed", State.PROCESSING, State.SUCCEEDED, "the attempt reached its outcome"),
    Arrow("retry", State.PROCESSING, State.QUEUED, "a transient error, attempts left"),
    Arrow(
        "retry",
        State.PROCESSING,
        State.DEAD_LETTERED,
        "a transient error, no attempts left",
        frozenset({Reason.ATTEMPTS_EXHAUSTED, Reason.UNKNOWN_OUTCOME}),
    ),
    Arrow("give_back", State.PROCESSING, State.QUEUED, "not the job's fault: the attempt is returned, within bounds"),
    Arrow("fail", State.PROCESSING, State.FAILED_PERMANENT, "no retry can help", frozenset({Reason.PERMANENT})),
    Arrow(
        "dead_letter",
        State.PROCESSING,
        State.DEAD_LETTERED,
        "machines cannot decide it, or the task's policy makes no further attempt",
        frozenset({Reason.ATTEMPTS_EXHAUSTED, Reason.POISON, Reason.UNKNOWN_OUTCOME}),
    ),
    Arrow("reap", State.PROCESSING, State.QUEUED, "its lease ran out"),
    Arrow(
        "reap",
        State.PROCESSING,
        State.DEAD_LETTERED,
        "its lease ran out once too often",
        frozenset({Reason.ATTEMPTS_EXHAUSTED, Reason.POISON, Reason.UNKNOWN_OUTCOME}),
    ),
    Arrow(
        "exhaust",
        State.QUEUED,
        State.DEAD_LETTERED,
        "queued with no attempt left",
        frozenset({Reason.ATTEMPTS_EXHAUSTED, Reason.UNKNOWN_OUTCOME}),
    ),
    Arrow("cancel", State.QUEUED, State.FAILED_PERMANENT, "a person withdrew it", frozenset({Reason.CANCELLED})),
    Arrow(
        "terminate",
        State.PROCESSING,
        State.FAILED_PERMANENT,
        "a person ended it while it ran",
        frozenset({Reason.CANCELLED}),
    ),
    Arrow("supersede", None, State.QUEUED, "a person corrected the payload of a given-up record, whose key it took"),
    Arrow("discard", State.FAILED_PERMANENT, State.FAILED_PERMANENT, "a person said that it may rest"),
    Arrow("discard", State.DEAD_LETTERED, State.DEAD_LETTERED, "a person said that it may rest"),
    Arrow("replay", State.FAILED_PERMANENT, State.QUEUED, "a person sent it again"),
    Arrow("replay", State.DEAD_LETTERED, State.QUEUED, "a person sent it again"),
)


def is_legal(name: str, source: State | None, target: State) -> bool:
    return any((a.name, a.source, a.target) == (name, source, target) for a in ARROWS)
