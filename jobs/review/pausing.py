"""Pauses by people: one transaction holds the pause and its row in the audit trail."""

from datetime import timedelta
from typing import Any

from django.db import connection, transaction

from idempotency import queues, reads
from idempotency.queues import SeenPause
from idempotency.reads import Gate
from jobs.models import Decision
from jobs.review.decisions import Answer, note


@transaction.atomic
def pause(queue: str, *, duration: timedelta | None, by: str, why: str) -> Answer:
    """Let nobody claim from the queue for `duration`; None: until somebody resumes it."""
    before = _gate(queue)
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


def _gate(queue: str) -> Gate | None:
    return reads.gates(connection, [queue]).get(queue)


def _told(gate: Gate | None) -> dict[str, Any]:
    if gate is None or gate.paused_at is None:
        return {"paused": False}
    until = gate.until.isoformat() if gate.until else None
    return {"paused": True, "by": gate.by, "kind": gate.kind, "reason": gate.reason, "until": until}
