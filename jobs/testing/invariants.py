"""What must be true after every run, asked of the database, the outside world and what callers were told."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from idempotency.states import Reason, State
from jobs.enqueueing import Enqueued
from jobs.testing.scene import Row


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as its caller experienced it: did its transaction commit, and was its record there then?"""

    committed: bool
    recorded: bool
    told: str | None  # the id of the job, where the caller lived to be told


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that is known after a run.

    Attributes:
        asked: every request for the job, in order.
        jobs: the records that the run's workers were to bring to an end.
        commits: how many transactions with the task's `commit` in them were committed, by job.
        commit_wanted: names of the tasks that have a `commit`.
        effects: how often the effect outside happened; None where nobody can tell.
        again: the answer to the same request after the end; None where it would be new work.
        breaches: what the conservation audit says.
    """

    asked: Sequence[Asked]
    keyed: bool
    jobs: Sequence[Row]
    commits: Mapping[str, int]
    commit_wanted: frozenset[str]
    effects: int | None
    unknown_allowed: bool
    again: Enqueued | None
    breaches: Sequence[str]

    @property
    def wanted_effects(self) -> int:
        """One for each request that is its own work."""
        return 1 if self.keyed else sum(a.committed for a in self.asked)


def violations(facts: Facts) -> Iterator[str]:
    """One sentence for each thing that must not be."""
    for rule in (_requests, _ends, _effects, _commits, _attempts, _repetition):
        yield from rule(facts)
    yield from facts.breaches


def _requests(facts: Facts) -> Iterator[str]:
    for asked in facts.asked:
        if asked.committed and not asked.recorded:
            yield "The caller's transaction was committed, and the job's record is not there."
        if asked.recorded and not asked.committed:
            yield "The caller's transaction was rolled back, and a record of the job is there."
        if asked.committed and asked.told and asked.told not in {str(job.id) for job in facts.jobs}:
            yield f"The caller was told of job {asked.told}, which is not there."
    if not facts.jobs:
        yield "No record of the job is left."


def _ends(facts: Facts) -> Iterator[str]:
    for job in facts.jobs:
        if job.unfinished:
            yield f"{job.task} {job.id} is still {job.state} although everybody had time to finish it."
        elif not _is_good_end(job, unknown_allowed=facts.unknown_allowed):
            yield f"{job.task} {job.id} ended as {job.state} ({job.reason}): {job.error}."


def _is_good_end(job: Row, *, unknown_allowed: bool) -> bool:
    match job.reason:
        case None:
            return job.state == State.SUCCEEDED
        case Reason.UNKNOWN_OUTCOME:
            return unknown_allowed
        case Reason.ATTEMPTS_EXHAUSTED:  # a death may take the last attempt
            return job.attempt >= job.max_attempts
    return False


def _effects(facts: Facts) -> Iterator[str]:
    if facts.effects is None:
        return
    wanted, all_succeeded = facts.wanted_effects, all(job.state == State.SUCCEEDED for job in facts.jobs)
    if facts.effects > wanted:
        yield f"The effect happened {facts.effects} times, for {wanted} request(s)."
    if facts.effects < wanted and all_succeeded:
        yield f"The job succeeded, and its effect happened {facts.effects} times."


def _commits(facts: Facts) -> Iterator[str]:
    for job in facts.jobs:
        if job.task not in facts.commit_wanted:
            continue
        times, wanted = facts.commits.get(str(job.id), 0), int(job.state == State.SUCCEEDED)
        if times != wanted:
            yield f"{job.task} {job.id} is {job.state}, and its `commit` was committed {times} times."


def _attempts(facts: Facts) -> Iterator[str]:
    for job in facts.jobs:
        if not 0 < job.attempt <= job.max_attempts:
            yield f"{job.task} {job.id} has used {job.attempt} attempts of {job.max_attempts}."
        if len(set(job.tokens)) < len(job.tokens):
            yield f"{job.task} {job.id}: one claim ended twice, the attempts' fencing tokens are {list(job.tokens)}."
        newest = job.fencing_token - (job.state == State.SUCCEEDED)  # a success is told by the record alone
        if any(token > newest for token in job.tokens):
            yield (
                f"{job.task} {job.id} is {job.state} under fencing token {job.fencing_token}, "
                f"and attempts ended under {list(job.tokens)}."
            )


def _repetition(facts: Facts) -> Iterator[str]:
    again = facts.again
    if again is None or not facts.jobs:
        return
    known = {job.id: job for job in facts.jobs}
    if again.created or again.id not in known:
        yield f"The same request, asked again after the end, made another job ({again.id})."
    elif again.state != known[again.id].state:
        yield f"The same request, asked again after the end, was told {again.state} instead of {known[again.id].state}."
