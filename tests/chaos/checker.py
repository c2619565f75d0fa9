"""The judge: compares what callers were told with what the tables and the vendor's ledger hold.

It knows the promise and the names of the columns, and nothing of the code. Every function takes a history and yields
one sentence per violation; `judge` names them by kind.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.chaos.history import FAIL, OK, UNKNOWN, Call, History, Record

TERMINAL = frozenset({"succeeded", "failed_permanent", "dead_lettered"})
ENDED_BY_ITSELF = frozenset({"retry", "fail", "dead_letter", "reap", "give_back"})
DOUBTFUL = frozenset({"unknown_outcome", "attempts_exhausted", "poison"})  # reasons a person has to look into
# What each task leaves outside the database, by the names under which the vendor knows it.
OUTSIDE: dict[str, Callable[[str], tuple[str, ...]]] = {
    "Charge": lambda name: (name,),
    "Mail": lambda name: (name,),
    "TwoSteps": lambda name: (f"{name}:first", f"{name}:second"),
}
# What each task leaves in the database, in front of its name.
ROWS = {"Booked": "booked", "Ticked": "ticked"}
BLIND = frozenset({"Charge", "Mail"})  # whose outcome may be unknown at the end


def lost(history: History) -> Iterator[str]:
    """A caller was told "yes", and the job is not there, or came to no end."""
    records = {record.id: record for record in history.records}
    for handle in sorted({call.handle for call in history.calls if call.answer == OK}):
        record = records.get(handle)
        if record is None:
            yield f"job {handle} was acknowledged, and there is no record of it"
        elif record.state not in TERMINAL:
            yield f"{_called(record)} was acknowledged, and is still {record.state} after everything was healed"


def unfinished(history: History) -> Iterator[str]:
    """A record nobody was told of is a job all the same."""
    told = {call.handle for call in history.calls if call.answer == OK}
    for record in history.records:
        if record.state not in TERMINAL and record.id not in told:
            yield f"{_called(record)} is still {record.state} after everything was healed"


def phantom(history: History) -> Iterator[str]:
    """A job that every caller was told does not exist, or that nobody asked for."""
    answers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for call in history.calls:
        answers[call.task, call.name].add(FAIL if call.undo else call.answer)
    for record in history.asked:
        heard = answers.get((record.task, record.name), set())
        if not heard & {OK, UNKNOWN}:
            said = "its callers were told that it was rolled back" if heard else "nobody asked for it"
            yield f"{_called(record)} exists, and {said}"


def duplicate_effects(history: History) -> Iterator[str]:
    """Something happened twice that was asked for once."""
    for name, count in sorted(history.effects.items()):
        if count > 1:
            yield f"the vendor holds {count} effects of {name}"
    for name, count in sorted(history.rows.items()):
        if count > 1:
            yield f"{count} rows are named {name!r}"


def missing_effects(history: History) -> Iterator[str]:
    """A job says that it succeeded, and what it was to do is not done."""
    for record in history.records:
        if record.state == "succeeded":
            for name in _outside(record):
                if not history.effects[name]:
                    yield f"{_called(record)} succeeded, and the vendor has no {name}"
            row = ROWS.get(_short(record))
            if row and not history.rows[f"{row} {record.name}"]:
                yield f"{_called(record)} succeeded, and what its commit wrote is not there"


def unfounded_effects(history: History) -> Iterator[str]:
    """Something happened for which there is no job, or whose job says that it did not happen."""
    allowed = {name for record in history.records if _may_have_acted(record) for name in _outside(record)}
    for name in sorted(set(history.effects) - allowed):
        yield f"the vendor has {name}, and no job that stands for it"
    written = {f"{ROWS[_short(r)]} {r.name}" for r in history.records if _short(r) in ROWS and r.state == "succeeded"}
    for name in sorted(history.rows):
        if name.startswith(tuple(f"{row} " for row in ROWS.values())) and name not in written:
            yield f"there is a row {name!r}, and no job that succeeded with it"


def two_handles(history: History) -> Iterator[str]:
    """One key, two jobs."""
    handles: dict[tuple[str, str], set[str]] = defaultdict(set)
    for call in history.calls:
        if call.answer == OK:
            handles[call.task, call.name].add(call.handle)
    for record in history.records:
        handles[record.task, record.name].add(record.id)
    for (task, name), ids in sorted(handles.items()):
        if len(ids) > 1:
            yield f"{task} {name} has {len(ids)} jobs: {', '.join(sorted(ids))}"
    created = Counter(call.handle for call in history.calls if call.answer == OK and call.created)
    yield from (f"{count} callers were told that they made job {id_}" for id_, count in created.items() if count > 1)


def torn_transactions(history: History) -> Iterator[str]:
    """A caller's own row and the job were written together: both are there, or none."""
    orders = {name.removeprefix("order ") for name in history.rows if name.startswith("order ")}
    jobs = {f"{record.task} {record.name}" for record in history.asked}
    yield from (f"the caller's row {name!r} is there without its job" for name in sorted(orders - jobs))
    yield from (f"job {name!r} is there without its caller's row" for name in sorted(jobs - orders))


def illegal_records(history: History) -> Iterator[str]:
    """A record that no sequence of the machine's arrows leads to."""
    tokens: dict[str, list[int]] = defaultdict(list)
    for attempt in history.attempts:
        tokens[attempt.record].append(attempt.token)
        if attempt.outcome not in ENDED_BY_ITSELF:
            yield f"an attempt of {attempt.record} ended by {attempt.outcome!r}"
    for record in history.records:
        yield from (f"{_called(record)}: {what}" for what in _illegal(record, tokens.pop(record.id, [])))
    yield from (f"attempts are kept of {id_}, which is no record" for id_ in sorted(tokens))


def _illegal(record: Record, tokens: list[int]) -> Iterator[str]:
    ended = record.state in TERMINAL
    if record.attempt > record.max_attempts:
        yield f"{record.attempt} attempts of {record.max_attempts}"
    if record.attempt > record.token:
        yield f"{record.attempt} attempts by {record.token} claims"
    if len(tokens) != len(set(tokens)):
        yield f"one claim has ended twice: {sorted(tokens)}"
    if max(tokens, default=0) > record.token:
        yield f"an attempt has token {max(tokens)}, the record {record.token}"
    if record.state == "succeeded" and record.token in tokens:
        yield "the claim that succeeded has also failed"
    if ended and record.finished_at is None:
        yield f"it is {record.state} and has no end"
    if record.state == "succeeded" and not record.token:
        yield "it succeeded without a claim"
    if record.reason == "unknown_outcome" and _short(record) not in BLIND:
        yield "its outcome is unknown, and its task has no effect outside"


def unbalanced(history: History) -> Iterator[str]:
    """Conservation: all that was acknowledged or may have been, and nothing else, came to one of the three ends."""
    ends = Counter(record.state for record in history.asked)
    asked = {(c.task, c.name) for c in history.calls if c.answer in (OK, UNKNOWN) and not c.undo}
    sure = {(c.task, c.name) for c in history.calls if c.answer == OK}
    ended = sum(ends[state] for state in TERMINAL)
    if not len(sure) <= ended <= len(asked):
        yield f"{len(sure)} to {len(asked)} jobs were enqueued, and {ended} came to an end: {dict(ends)}"


def missed_ticks(history: History) -> Iterator[str]:
    """A planned moment has passed, and no job stands for it. Two jobs for one tick are two handles for one key."""
    if history.ticking:
        for name in sorted(history.ticking.must - {record.name for record in history.ticked}):
            yield f"tick {name} has no job"


def unplanned_ticks(history: History) -> Iterator[str]:
    """A job stands for a moment that no schedule has planned, or that had not come."""
    if history.ticking:
        for name in sorted({record.name for record in history.ticked} - history.ticking.may):
            yield f"tick {name} was not planned"


CHECKS: tuple[Callable[[History], Iterator[str]], ...] = (
    lost,
    unfinished,
    phantom,
    duplicate_effects,
    missing_effects,
    unfounded_effects,
    two_handles,
    torn_transactions,
    illegal_records,
    unbalanced,
    missed_ticks,
    unplanned_ticks,
)


@dataclass(frozen=True)
class Verdict:
    """What the judge found: sentences by the name of the check; and what he counted."""

    violations: dict[str, list[str]]
    acknowledged: int  # jobs that a caller was promised
    calls: int
    unknown: int  # calls whose answer was lost
    unknown_done: int  # of these, the ones whose job turned out to be there
    rolled_back: int  # calls that were told so
    ends: dict[str, int]
    wasted_attempts: int
    ticks: int  # of schedules, each with one job


def judge(history: History) -> Verdict:
    """Try the whole history."""
    found = {check.__name__: list(check(history)) for check in CHECKS}
    there = {(record.task, record.name) for record in history.records}
    unknown = [call for call in history.calls if call.answer == UNKNOWN]
    return Verdict(
        violations={name: sentences for name, sentences in found.items() if sentences},
        acknowledged=len({call.handle for call in history.calls if call.answer == OK}),
        calls=len(history.calls),
        unknown=len(unknown),
        unknown_done=sum(_key(call) in there for call in unknown),
        rolled_back=sum(call.answer == FAIL for call in history.calls),
        ends=dict(sorted(Counter(map(_end, history.records)).items())),
        wasted_attempts=len(history.attempts),
        ticks=len(history.ticked),
    )


def _key(call: Call) -> tuple[str, str]:
    return call.task, call.name


def _end(record: Record) -> str:
    return f"{record.state}/{record.reason}" if record.reason else record.state


def _short(record: Record) -> str:
    return record.task.rpartition(".")[2]


def _outside(record: Record) -> tuple[str, ...]:
    names = OUTSIDE.get(_short(record))
    return names(record.name) if names else ()


def _may_have_acted(record: Record) -> bool:
    return record.state == "succeeded" or record.state not in TERMINAL or record.reason in DOUBTFUL


def _called(record: Record) -> str:
    return f"{_short(record)} {record.name} ({record.id})"
