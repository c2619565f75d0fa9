"""What a person decides about a job: one transaction holds the arrow and its row in the audit trail.

A decision names the job as it was seen. Whatever changed since is left alone, and the answer tells what happened to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from idempotency import transitions
from idempotency.claims import Seen
from idempotency.models import Record
from idempotency.states import REVIEWABLE, State
from jobs import hints
from jobs.metrics import callers
from jobs.models import BulkReplay, Decision, Incident
from jobs.worker import terminating

Action = Decision.Action
TOLD = ("state", "reason", "error", "attempt", "replay_count", "resolution", "resolved_by")  # in `before`


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one decision: done, or left alone and why, in one sentence."""

    done: bool
    sentence: str


@transaction.atomic
def replay(seen: Sequence[Seen], *, by: str, why: str, bulk: BulkReplay | None = None) -> dict[UUID, Answer]:
    """Queue given-up jobs again, with all their attempts; one answer each."""
    before = _before(seen)
    queues = _replayed(seen)
    for queue in set(queues.values()):
        hints.after_commit(queue)
    done = [s for s in seen if s.id in queues]
    _note(Action.REPLAY, done, before, {"state": State.QUEUED}, by=by, why=why, bulk=bulk)
    callers.decided("replayed", queues.values())
    return _answers(seen, queues, "replayed")


@transaction.atomic
def discard(seen: Sequence[Seen], *, by: str, why: str) -> dict[UUID, Answer]:
    """Take given-up jobs off the list of what waits for a person; one answer each. Nothing will run."""
    before = _before(seen)
    ids = transitions.discard(connection, seen, by=by, why=why)
    done = [s for s in seen if s.id in ids]
    _note(Action.DISCARD, done, before, {"resolution": "discarded"}, by=by, why=why)
    callers.decided("discarded", (before[s.id]["queue"] for s in done))
    return _answers(seen, ids, "discarded")


@transaction.atomic
def cancel(seen: Seen, *, by: str, why: str) -> Answer:
    """Withdraw a waiting job at once; have the process that runs a running one ended."""
    before = _before([seen])
    if transitions.cancel(connection, seen.id, token=seen.token, why=f"{by}: {why}"):
        answer = Answer(done=True, sentence="cancelled")
    elif Record.objects.filter(id=seen.id, state=State.PROCESSING, fencing_token=seen.token).exists():
        return _end_running(seen, before, by=by, why=why)
    else:
        answer = _answers([seen], set(), "")[seen.id]
    if not answer.done:
        return answer
    _note(Action.CANCEL, [seen], before, {"reason": "cancelled"}, by=by, why=why)
    return answer


def _end_running(seen: Seen, before: dict[UUID, dict[str, Any]], *, by: str, why: str) -> Answer:
    """Whoever runs it writes its end, under his own claim: one that has ended meanwhile stays as it ended.

    The decision is noted before he is told, so that it stands above what he notes.
    """
    untold = transaction.savepoint()
    _note(Action.CANCEL, [seen], before, {"reason": "cancelled"}, by=by, why=why)
    try:
        terminating.ask(seen.id)
    except Exception as error:  # noqa: BLE001 - whatever the broker's client throws
        transaction.savepoint_rollback(untold)
        return Answer(done=False, sentence=f"its worker could not be told: the broker is away ({type(error).__name__})")
    return Answer(done=True, sentence="its worker was told to end it")


@transaction.atomic
def assign(incident: UUID, user: Any, *, by: str, why: str) -> None:
    """Say who looks after an incident; `user` None: nobody does."""
    found, _ = Incident.objects.select_for_update().get_or_create(fingerprint=incident)
    was, found.assignee = found.assignee, user
    found.save(update_fields=["assignee"])
    note(Action.ASSIGN, by=by, why=why, incident=incident, before=_name(was), after=_name(user))


def _name(user: Any) -> dict[str, str | None]:
    return {"assignee": user and user.get_username()}


def _replayed(seen: Sequence[Seen]) -> dict[UUID, str]:
    try:
        with transaction.atomic():
            return transitions.replay(connection, seen)
    except IntegrityError:  # a newer job took one of the keys between the statement's look and its write
        return {} if len(seen) == 1 else {id_: q for one in seen for id_, q in _replayed([one]).items()}


def _before(seen: Sequence[Seen]) -> dict[UUID, dict[str, Any]]:
    rows = Record.objects.filter(id__in=[s.id for s in seen]).values("id", "incident", "queue", *TOLD)
    return {row.pop("id"): row for row in rows}


def _note(  # noqa: PLR0913 - a row of the audit trail says all of it
    action: Decision.Action,
    done: Sequence[Seen],
    before: dict[UUID, dict[str, Any]],
    after: dict[str, Any],
    *,
    by: str,
    why: str,
    bulk: BulkReplay | None = None,
) -> None:
    Decision.objects.bulk_create(
        Decision(
            action=action,
            by=by,
            why=why,
            bulk=bulk,
            record_id=s.id,
            incident=before[s.id]["incident"],
            before={name: before[s.id][name] for name in TOLD},
            after=after,
        )
        for s in done
    )


def note(action: Decision.Action, *, by: str, why: str, **about: Any) -> Decision:
    """Add one row to the audit trail, in the caller's transaction.

    `about` is any of record_id, incident, queue, bulk, before and after.
    """
    return Decision.objects.create(action=action, by=by, why=why, **about)


def _answers(seen: Sequence[Seen], done: Any, word: str) -> dict[UUID, Answer]:
    left = [s for s in seen if s.id not in done]
    records = Record.objects.in_bulk([s.id for s in left]) if left else {}
    told = {s.id: Answer(done=False, sentence=why_left(records.get(s.id), s)) for s in left}
    return {s.id: told.get(s.id) or Answer(done=True, sentence=word) for s in seen}


def why_left(record: Record | None, seen: Seen) -> str:
    """What somebody, or a worker, did to a job since it was seen."""
    if record is None:
        return "it is gone"
    if record.state in REVIEWABLE and record.fencing_token == seen.token and record.resolved_at is None:
        return "a newer job holds its key"
    newest = Decision.objects.filter(record_id=record.id).order_by("-id").first()
    ended = f"it is {record.state} now"
    if newest is None:
        return ended
    return f"{newest.by} decided first ({newest.get_action_display().lower()}, {newest.at:%H:%M:%S} UTC); {ended}"
