"""A replay with a corrected payload: a successor, which takes over the key of the job that it replaces."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from idempotency import transitions
from idempotency.claims import Request, Seen
from idempotency.errors import EnqueueError
from idempotency.models import Record
from idempotency.states import REVIEWABLE, Reason, Resolution
from jobs import hints
from jobs.metrics import callers
from jobs.models import Decision, Proposal
from jobs.review.decisions import Answer, note, why_left
from jobs.review.outlook import Asked, look
from jobs.task import IdempotentTask, registered


class CorrectionError(ValueError):
    """The payload cannot be corrected in this way; the message says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter that differs; secret values as stars."""

    name: str
    before: Any
    after: Any


def task_of(record: Record) -> type[IdempotentTask]:
    """The task that is to run the successor.

    Raises:
        CorrectionError: the record cannot have a successor.
    """
    task = registered().get(record.task)
    if task is None:
        raise CorrectionError(f"No task {record.task} is known here, so that nothing can check a payload.")
    if record.state not in REVIEWABLE:
        raise CorrectionError(f"It is {record.state}: only a given-up job's payload can be corrected.")
    if record.resolution == Resolution.SUPERSEDED:
        raise CorrectionError("A job with a corrected payload has replaced it already.")
    if not isinstance(record.payload, dict):
        raise CorrectionError("Its payload was pruned.")
    return task


def successor(record: Record, payload: Mapping[str, Any]) -> Request:
    """What is to be written, checked as `enqueue` checks a call.

    Raises:
        CorrectionError: `run` does not take this payload, it is the same as before, or it is other work.
    """
    task = task_of(record)
    try:
        made = task.request_for((), payload)
    except EnqueueError as error:
        raise CorrectionError(str(error)) from None
    if dict(payload) == record.payload:
        raise CorrectionError("Nothing is changed. Replay the job as it is, or change a parameter.")
    key = record.key or record.freed_key
    if made.key != (key and key.hex):
        named = ", ".join(task.dedupe_key or ())
        raise CorrectionError(f"{named} make it this work and not another: discard this job and enqueue a new one.")
    return made._replace(fingerprint=record.fingerprint.hex)


def changes(record: Record, payload: Mapping[str, Any]) -> list[Change]:
    """Which parameters differ, for eyes."""
    task, before = task_of(record), record.payload or {}
    was, will_be = task.masked(before), task.masked(payload)
    names = [n for n in {**before, **payload} if before.get(n) != payload.get(n) or (n in before) != (n in payload)]
    return [Change(n, was.get(n), will_be.get(n)) for n in names]


def refusal(record: Record, asked: Asked | None) -> str | None:
    """Why no successor may run: its new idempotency key would let an effect happen a second time. None: it may."""
    task = task_of(record)
    if asked and asked.found is not None:
        return "The other side has the effect already: correct it there." if asked.found else None
    outside = record.intent_at or (task.vendor and record.reason != Reason.PERMANENT)
    if outside or record.reason == Reason.UNKNOWN_OUTCOME:
        doubt = f"{asked.why} " if asked else ""
        return f"{doubt}Its effect may have happened, and with another payload it could happen twice. Look there first."
    return None


def correct(seen: Seen, payload: Mapping[str, Any], *, by: str, why: str) -> Answer:
    """Write the successor, in the caller's transaction or one of its own.

    Raises:
        CorrectionError: as `successor` does, or because the effect may have happened.
    """
    record = Record.objects.get(id=seen.id)
    made = successor(record, payload)
    asked = look(record)
    if refused := refusal(record, asked):
        raise CorrectionError(refused)
    queue = _supersede(record, seen, made, by=by, why=why, nothing_done=asked is not None)
    if queue is None:
        return Answer(done=False, sentence=why_left(Record.objects.filter(id=seen.id).first(), seen))
    hints.after_commit(queue)
    return Answer(done=True, sentence=f"job {UUID(made.id)} runs in its place")


@transaction.atomic
def _supersede(
    record: Record, seen: Seen, made: Request, *, by: str, why: str, nothing_done: bool
) -> str | None:  # fmt: skip
    task = task_of(record)
    try:
        with transaction.atomic():
            queue = transitions.supersede(
                connection, seen, made, payload_version=task.payload_version, by=by, why=why,
                nothing_done=nothing_done,
            )  # fmt: skip
    except IntegrityError:  # a newer job took the freed key at this very moment
        return None
    if queue is not None:
        _note_change(record, made, by=by, why=why)
        callers.decided("corrected", [record.queue])
    return queue


def _note_change(record: Record, made: Request, *, by: str, why: str) -> None:
    found = changes(record, json.loads(made.payload))
    about = {"incident": record.incident, "before": {c.name: c.before for c in found}}
    after = {c.name: c.after for c in found}
    successor = UUID(made.id)
    for job, other in ((record.id, {"successor": str(successor)}), (successor, {"replaces": str(record.id)})):
        note(Decision.Action.CORRECT, by=by, why=why, record_id=job, after={**after, **other}, **about)


# -- with a second person ---------------------------------------------------------------------------------------------


@transaction.atomic
def propose(seen: Seen, payload: Mapping[str, Any], *, by: str, why: str) -> Proposal:
    """Keep a corrected payload until somebody else approves it. Raises CorrectionError as `successor` does."""
    record = Record.objects.get(id=seen.id)
    successor(record, payload)
    found = changes(record, payload)
    note(
        Decision.Action.PROPOSE, by=by, why=why, record_id=record.id, incident=record.incident,
        before={c.name: c.before for c in found}, after={c.name: c.after for c in found},
    )  # fmt: skip
    return Proposal.objects.create(record_id=seen.id, token=seen.token, payload=dict(payload), by=by, why=why)


@transaction.atomic
def decide(proposal_id: int, *, approve: bool, by: str, why: str) -> Answer:
    """Approve or refuse what another person proposed; only one decision counts.

    Raises:
        CorrectionError: it is one's own, or the payload cannot be corrected (any more).
    """
    proposal = Proposal.objects.select_for_update().get(pk=proposal_id)
    if proposal.decision:
        return Answer(done=False, sentence=f"{proposal.decided_by} decided first: {proposal.decision}")
    if proposal.by == by:
        raise CorrectionError("Somebody else has to approve what you proposed.")
    answer = Answer(done=True, sentence="refused")
    if approve:
        both = f"{proposal.why} (approved by {by}: {why})"
        answer = correct(Seen(proposal.record_id, proposal.token), proposal.payload, by=proposal.by, why=both)
    else:
        note(Decision.Action.COMMENT, by=by, why=f"refused the corrected payload: {why}", record_id=proposal.record_id)
    verdict = ("approved" if approve else "refused") if answer.done else answer.sentence
    proposal.decision, proposal.decided_by = verdict, by
    proposal.decided_at = timezone.now()
    proposal.save(update_fields=["decision", "decided_by", "decided_at"])
    return answer
