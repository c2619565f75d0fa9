"""Pauses by people: one transaction holds the pause and its row in the audit trail."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from idempotency import queues, reads
from idempotency.queues import SeenPause
from idempotency.reads import Gate
from jobs.models import Decision
from jobs.review.decisions import Answer, note

ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended('jobs pause ' || %s, 0))"


@dataclass(frozen=True, slots=True)
class Looked:
    """What somebody saw before he decided; `pause` None: the queue was not paused."""

    pause: SeenPause | None


@transaction.atomic
def pause(queue: str, *, duration: timedelta | None, by: str, why: str, looked: Looked | None = None) -> Answer:
    """Let nobody claim from the queue for `duration`; None: until somebody resumes it.

    With `looked`, only as it was seen: who presses twice, or second, is told who paused it and prolongs nothing.
    """
    if looked is not None:
        with connection.cursor() as cursor:  # two presses at once: the second looks when the first is written
            cursor.execute(ONE_BY_ONE, [queue])
    before = _gate(queue)
    if looked is not None and looked.pause != pause_of(before):
        return Answer(done=False, sentence=_changed(queue, before))
    if not queues.pause(connection, queue, duration=duration, reason=why, by=by):
        return Answer(done=False, sentence=f"{queue} was paused for longer already")
    after = _gate(queue)
    note(Decision.Action.PAUSE, by=by, why=why, queue=queue, before=_told(before), after=_told(after))
    return Answer(done=True, sentence=f"{queue} is paused")


@transaction.atomic
def resume(queue: str, *, by: str, why: str, seen: SeenPause | None = None) -> Answer:
    """End the pause that was seen, or any; its vendor is not probed first."""
    before = _gate(queue)
    if not queues.resume(connection, queue, by=by, reason=why, seen=seen):
        now = _gate(queue)
        changed = now is not None and now.paused_at is not None
        said = "its pause has changed since you looked at it" if changed else "it was not paused any more"
        return Answer(done=False, sentence=f"{queue}: {said}")
    note(Decision.Action.RESUME, by=by, why=why, queue=queue, before=_told(before), after={"paused": False})
    return Answer(done=True, sentence=f"{queue} goes on")


def pause_of(gate: Gate | None) -> SeenPause | None:
    """The pause that a page shows."""
    return None if gate is None or gate.paused_at is None else SeenPause(gate.paused_at, gate.until)


def _changed(queue: str, gate: Gate | None) -> str:
    if gate is None or not gate.paused:
        return f"{queue}: its pause has ended since you looked at it"
    return f"{gate.by or 'somebody'} has paused {queue} already: {gate.reason}"


def _gate(queue: str) -> Gate | None:
    return reads.gates(connection, [queue]).get(queue)


def _told(gate: Gate | None) -> dict[str, Any]:
    if gate is None or gate.paused_at is None:
        return {"paused": False}
    until = gate.until.isoformat() if gate.until else None
    return {"paused": True, "by": gate.by, "kind": gate.kind, "reason": gate.reason, "until": until}
