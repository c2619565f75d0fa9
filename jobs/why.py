"""Why a job is not running, in one sentence."""

from uuid import UUID

from idempotency import reads
from idempotency.reads import Standing
from idempotency.statements import Connection
from idempotency.states import State
from jobs import conf, registry


def explain(connection: Connection, id_: UUID) -> tuple[Standing, str] | None:
    """Where the job stands, and the sentence; None where no record has this id."""
    standing = reads.standing(connection, id_)
    if standing is None:
        return None
    return standing, _sentence(standing, registry.live(connection))


def _sentence(s: Standing, workers: list[registry.LiveWorker]) -> str:
    match s.state:
        case State.SUCCEEDED:
            return f"It succeeded at {s.finished_at:%Y-%m-%d %H:%M:%S} UTC in attempt {s.attempt}."
        case State.FAILED_PERMANENT | State.DEAD_LETTERED:
            return _given_up(s)
        case State.PROCESSING:
            return _running(s)
        case State.QUEUED:
            return _held(s) if s.held else _waiting(s, [w for w in workers if s.queue in w.queues])


def _given_up(s: Standing) -> str:
    sentence = f"It was given up ({s.state}, {s.reason}) after attempt {s.attempt} of {s.max_attempts}: {s.error}"
    if s.intent_at is None:
        return sentence
    return f"{sentence} Its effect may have happened since {s.intent_at:%Y-%m-%d %H:%M:%S} UTC: look there first."


def _running(s: Standing) -> str:
    if s.lease_left is not None and s.lease_left < 0:
        since = f"the lease ran out {-s.lease_left:.0f} s ago and the relay will queue it again"
        return f"Its worker {s.claimed_by} is dead or frozen; {since}. Is `manage.py jobs relay` running?"
    return f"It is running: attempt {s.attempt} of {s.max_attempts} on {s.claimed_by}, lease for {s.lease_left:.0f} s."


def _held(s: Standing) -> str:
    most = conf.bound(s.queue)
    full = f"queue {s.queue} was full" if most is None else f"queue {s.queue} takes {most:,} at a time"
    return f"It is held back: {full}. The relay lets it in when its turn comes. Is `manage.py jobs relay` running?"


def _waiting(s: Standing, workers: list[registry.LiveWorker]) -> str:
    if blocked := _blocked(s):
        return blocked
    if s.due_in > 0:
        again = f" after {s.error}" if s.error else ""
        return f"It is not due for {s.due_in:.1f} s: attempt {s.attempt + 1} of {s.max_attempts}{again}"
    if s.attempt >= s.max_attempts:
        return "Its attempts are used up; the relay will dead-letter it. Is `manage.py jobs relay` running?"
    if not workers:
        return f"No live worker consumes queue {s.queue}. Start one: celery -A <project> worker -Q {s.queue}"
    return _in_line(s, workers)


def _blocked(s: Standing) -> str | None:
    """What keeps it from its queue, or its queue from everybody."""
    if s.parked_reason:
        return f"It is parked: {s.parked_reason}. A worker with the newer release lets it go."
    if s.held:
        return f"It is held back: queue {s.queue} is at its bound. The relay lets it in when there is room."
    if s.paused:
        until = "somebody resumes it" if s.pause_left is None else f"{s.pause_left:.0f} s from now"
        return f"Queue {s.queue} is paused by {s.paused_by} until {until}: {s.pause_reason}"
    if s.probing:
        return f"Queue {s.queue} was paused ({s.pause_reason}); one job probes its vendor now, the others follow it."
    return None


def _in_line(s: Standing, workers: list[registry.LiveWorker]) -> str:
    busy, slots = sum(w.busy for w in workers), sum(w.slots for w in workers)
    ahead = f"{s.ahead} others" if s.ahead < reads.AHEAD_COUNTED else "10,000 others or more"
    sentence = (
        f"It is claimable, behind {ahead} of its account in queue {s.queue}; {busy} of {slots} worker slots are busy."
    )
    if s.ramping:
        sentence += " The calls to its vendor grow again after a pause, from one."
    if s.is_retry and s.has_retry_budget:
        sentence += " Retries are limited to a share of first attempts."
    return sentence
