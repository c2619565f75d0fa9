"""Every write of a record, one function per arrow. The guard is in the SQL; no row means *you are not the owner*.

Functions take a connection: Django's where the write belongs to the caller's transaction (enqueue, and a settle that
commits together with the job's own rows), a connection of our own everywhere else.
"""

import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID

import psycopg

from idempotency import arrays, copying, new_records
from idempotency.claims import Claimed, Found, Problem, Request, Seen, Terms
from idempotency.errors import LeaseLost
from idempotency.ids import new_id
from idempotency.keys import ACCOUNT_HASHES, account_hash
from idempotency.statements import Connection, loads, loads_all, run
from idempotency.states import Reason, State
from idempotency.under_way import UnderWay, ask, send

_number = attrgetter("number")
GIVE_BACKS = 100  # returned attempts before they count after all: a job that is never to blame must still end
ACCOUNTS = 32  # that take turns in one claim: each costs it a few microseconds, and the next claim goes on behind them
SHORTEST_LATENESS = 0.005  # seconds that a call may come after its slot, however slow the claim's answer was
POISON_DEATHS = 3  # workers a job may take down while it is alone


# -- none → queued ----------------------------------------------------------------------------------------------------


def enqueue(connection: Connection, terms: Terms, requests: Sequence[Request]) -> list[Found]:
    """Write the records, or find those that already hold the keys; one answer per request, in their order.

    Never aborts the caller's transaction. Blocks while another transaction is writing the same key, because only its
    end decides who was first.
    """
    if not requests:
        return []
    if len(requests) == 1:
        claimable, missing = new_records.write_one(connection, terms, requests[0])
    else:
        claimable, missing = send_enqueue(connection, terms, requests).answer()
    found, again = answer_for(connection, terms, missing)
    return [found.get(r.id) or _new(r, claimable=claimable or again) for r in requests]


def send_enqueue(connection: Connection, terms: Terms, requests: Sequence[Request]) -> new_records.Sent:
    """The same, to be heard later: in pipeline mode nobody waits meanwhile. Then `answer_for` those that wrote none."""
    return new_records.Sent(connection, terms, requests)


def enqueue_new(connection: Connection, terms: Terms, chunks: Iterable[Sequence[Request]]) -> bool:
    """Write many records that have no key, the first while the next are made; True where a hint would lead to them.

    Needs a transaction: they and their tally are two statements.
    """
    return copying.copy(connection, terms, chunks)


def answer_for(
    connection: Connection, terms: Terms, missing: Sequence[Request]
) -> tuple[dict[str, Found], bool]:  # fmt: skip
    """The records that hold the keys of these, by their request's id. Not in pipeline mode.

    Where such a record is gone meanwhile, or its window has passed, it is written after all, and not among them; True
    where those are claimable.
    """
    answers: dict[str, Found] = {}
    claimable = False
    while missing:
        found = find(connection, missing, terms.dedupe_window)
        holders = {f.id.hex: f for f in found} | {f.key.hex: f for f in found if f.key and not f.window_passed}
        answers |= {r.id: holders[name] for r in missing for name in (r.id, r.key) if name in holders}
        if passed := [f.id for f in found if f.window_passed]:
            run(connection, "free_key", ids=passed, window=terms.dedupe_window)
        if missing := [r for r in missing if r.id not in answers]:
            again, missing = new_records.Sent(connection, terms, missing).answer()
            claimable |= again
    return answers, claimable


def _new(request: Request, *, claimable: bool) -> Found:
    key = None if request.key is None else UUID(request.key)
    return Found(UUID(request.id), key, UUID(request.fingerprint), State.QUEUED, None, True, claimable, False)


def find(connection: Connection, requests: Sequence[Request], window: timedelta | None) -> list[Found]:
    """The records that hold the keys or ids of these requests."""
    keys, ids = arrays.of_digits(r.key for r in requests if r.key), arrays.of_digits(r.id for r in requests)
    rows = run(connection, "find", keys=keys, ids=ids, window=window)
    return [
        Found(id_, key, fingerprint, State(state), loads(result), False, False, bool(passed))
        for id_, key, fingerprint, state, result, passed in rows
    ]


# -- queued → processing ----------------------------------------------------------------------------------------------


def stage(connection: Connection, queues: Sequence[str], *, limit: int = 1000) -> int:
    """Let those stand in line whose time has come, up to `limit` of each queue that is not paused; returns how many."""
    return len(run(connection, "stage", queues=list(queues), limit=limit))


def claim(  # noqa: PLR0913 - who takes what, how much, and for how long
    connection: Any,
    queue: str,
    *,
    limit: int,
    lease: timedelta,
    claimed_by: str,
    lease_id: UUID | None = None,
    cursors: Mapping[int, int] | None = None,
    served: Collection[int] = (),
    durable: bool = True,
    meanwhile: Callable[[], object] | None = None,
) -> list[Claimed]:
    """Take up to `limit` claimable records under one new lease, in the order in which they are to run.

    Accounts take turns, and each one's oldest come first, where a step of priority counts as a minute. A `solo` record
    comes alone. Of a vendor's queue it takes no more than there are slots for.

    Args:
        lease_id: named beforehand, it lets `claimed_under` find what a claim took whose answer was lost.
        cursors: of each line the account that was served last; the turn is with the one behind it.
        served: the accounts of the jobs claimed lately, in any line; others come before them.
        durable: False answers before the claim is on disk; see `harden`.
        meanwhile: called while the server works.
    """
    cursors, lease_id, asked_at = cursors or {}, lease_id or new_id(), time.monotonic()
    rows = ask(
        connection,
        "claim",
        meanwhile,
        queue=queue, limit=limit, lease=lease, claimed_by=claimed_by, lease_id=lease_id, durable=durable,
        lines=cursors.keys(), cursors=cursors.values(), served=served, accounts=min(limit, ACCOUNTS),
        start=random.randrange(*ACCOUNT_HASHES),  # noqa: S311 - no secret
    )  # fmt: skip
    return _batch(rows, lease_id, asked_at)


def claim_lone(
    connection: Any,
    queue: str,
    *,
    lease: timedelta,
    claimed_by: str,
    lease_id: UUID,
    durable: bool = True,
) -> list[Claimed]:
    """Take the only record that stands in line, at a third of the cost of `claim`; what that means is said there.

    None where nobody or several stand there, or where something restrains the queue: then it is for `claim` to decide.
    """
    rows = ask(
        connection, "claim_lone", queue=queue, lease=lease, claimed_by=claimed_by, lease_id=lease_id, durable=durable
    )
    return _batch(rows, lease_id)


def harden(connection: Connection) -> None:
    """Return when claims that were not durable are on disk. The connection must commit by itself.

    Until then a crash of the database may forget one: the records wait again, with one attempt and one token less, and
    the guard refuses whatever is written under the old lease. What is committed later on the same server and is itself
    durable, a settle or an intent, comes behind the claim in its log, and is on disk no sooner.
    """
    run(connection, "harden")


def claimed_under(connection: Connection, lease_id: UUID) -> list[Claimed]:
    """What a claim holds, as `claim` would have returned it."""
    return _batch(run(connection, "claimed_under", lease_id=lease_id), lease_id)


def _batch(rows: list[tuple[Any, ...]], lease_id: UUID, asked_at: float = 0.0) -> list[Claimed]:
    """The rows of a claim as its jobs, in the order of their numbers; one of the rows at least tells what all share."""
    told_at = time.monotonic()  # after the claim itself, so that no slot is used too early
    if not rows:
        return []
    queue, claimed_by, expires_at, *news, apart, late, took = loads(next(row[-1] for row in rows if row[-1]))
    # What the answer was under way is lateness already.
    left = late and max(SHORTEST_LATENESS, late - (told_at - asked_at - took))
    of_all = (queue, lease_id, claimed_by, datetime.fromisoformat(expires_at), *news, apart, left)
    read = dict[str, Any]()
    batch = []
    for row, payload in zip(rows, loads_all([row[3] for row in rows]), strict=True):
        text, slot_in = row[5], row[-2]
        options = None if text is None else _options(text, read)
        slot_at = None if slot_in is None else told_at + slot_in
        batch.append(Claimed._make((*row[:3], payload, row[4], options, *row[6:-2], slot_at, *of_all)))
    batch.sort(key=_number)
    return batch


def _options(text: str, read: dict[str, Any]) -> Any:
    """Jobs of one call carry the same headers, which are read once. What a canvas hangs on to is each job's own."""
    if (known := read.get(text)) is None:
        known = loads(text)
        if known.keys() == {"headers"}:
            read[text] = known
    return known


def renew(connection: Connection, batch: Sequence[Claimed], *, lease: timedelta) -> set[UUID]:
    """Prolong the lease of a batch's unfinished records; returns the ids still owned."""
    return {id_ for (id_,) in run(connection, "renew", **_owned(batch), lease=lease)}


def intend(connection: Connection, claimed: Claimed) -> None:
    """Note that an outside effect may follow. It stays noted until somebody knows that nothing was done.

    Raises:
        LeaseLost: the record belongs to somebody else; the effect must not happen.
    """
    if not run(connection, "intend", id=claimed.id, token=claimed.fencing_token, lease_id=claimed.lease_id):
        raise LeaseLost(f"{claimed.task} {claimed.id}: attempt {claimed.attempt} no longer owns the record")


# -- processing → … ---------------------------------------------------------------------------------------------------


def succeed(connection: Connection, batch: Sequence[Claimed], results: Sequence[str]) -> set[UUID]:
    """Settle records of one lease as succeeded, results as JSON texts; returns the ids that were still owned."""
    settle: Any = ask if isinstance(connection, psycopg.Connection) else run
    return {id_ for (id_,) in settle(connection, "succeed", **_owned(batch), results=arrays.of_documents(results))}


def send_succeed(connection: Any, batch: Sequence[Claimed], results: Sequence[str]) -> UnderWay:
    """The same, without waiting: its rows are those that were still owned. Needs a connection of our own."""
    return send(connection, "succeed", **_owned(batch), results=arrays.of_documents(results))


def succeeded_by(connection: Connection, batch: Sequence[Claimed]) -> set[UUID]:
    """Which of these this very claim has settled already. For a settle whose answer was lost."""
    return {id_ for (id_,) in run(connection, "succeeded_by", **_owned(batch))}


def retry(connection: Connection, claimed: Claimed, *, delay: timedelta, problem: Problem) -> State:
    """Queue it again after `delay`, or dead-letter it when its attempts are used up; returns which."""
    return _settle(connection, "retry", claimed, problem, delay=delay)


def fail(connection: Connection, claimed: Claimed, problem: Problem) -> State:
    return _settle(connection, "fail", claimed, problem, reason=Reason.PERMANENT)


def dead_letter(connection: Connection, claimed: Claimed, *, reason: Reason, problem: Problem) -> State:
    return _settle(connection, "dead_letter", claimed, problem, reason=reason)


def give_back(
    connection: Connection,
    batch: Sequence[Claimed],
    *,
    begun: bool = True,
    delay: timedelta = timedelta(0),
    parked_reason: str | None = None,
    problem: Problem | None = None,
) -> set[UUID]:
    """Return unfinished records of one lease and their attempts; returns those that were still owned.

    A record that had `begun` gets at most `GIVE_BACKS` attempts back. One that had not, or that is parked, gets them
    all: waiting for others cannot use it up.
    """
    rows = run(
        connection,
        "give_back",
        **_owned(batch),
        delay=delay,
        parked_reason=parked_reason,
        begun=begun and parked_reason is None,
        bound=GIVE_BACKS,
        **_problem(problem),
    )
    return {id_ for id_, _ in rows}


def _settle(connection: Connection, arrow: str, claimed: Claimed, problem: Problem, **params: Any) -> State:
    rows = run(
        connection,
        arrow,
        id=claimed.id,
        token=claimed.fencing_token,
        lease_id=claimed.lease_id,
        **_problem(problem),
        **params,
    )
    if not rows:
        raise LeaseLost(f"{claimed.task} {claimed.id}: attempt {claimed.attempt} no longer owns the record")
    return State(rows[0][1])


# -- by the reaper and the relay --------------------------------------------------------------------------------------


def claimants(connection: Connection, prefix: str) -> list[str]:
    """Who holds records, of those whose name begins with `prefix`."""
    return [name for (name,) in run(connection, "claimants", prefix=prefix)]


def expire(connection: Connection, claimed_by: str) -> int:
    """End the leases of a claimant that is known to be dead; the next `reap` takes its records."""
    return len(run(connection, "expire", claimed_by=claimed_by))


def reap(connection: Connection, *, limit: int = 500) -> dict[UUID, State]:
    """Take records whose lease ran out. The cap keeps a database clock that jumps from reaping all at once."""
    return _states(run(connection, "reap", limit=limit, poison=POISON_DEATHS))


def exhaust(connection: Connection, queues: Sequence[str], *, limit: int = 100) -> dict[UUID, State]:
    """Dead-letter queued records that have no attempt left."""
    return _states(run(connection, "exhaust", queues=list(queues), limit=limit))


def unpark(connection: Connection, *, queue: str, known: Mapping[str, int]) -> int:
    """Let go a queue's parked records whose task and payload version its live workers know; returns how many."""
    return len(run(connection, "unpark", queue=queue, tasks=list(known), versions=list(known.values())))


def release(connection: Connection, queue: str, *, bound: int | None, limit: int = 5000) -> int:
    """Let held records into the queue, the oldest first, while fewer than `bound` wait in it; returns how many.

    `bound` None: as many as `limit`, for a queue that was declared anew. Two relays at once may exceed the bound by
    what each lets in.
    """
    return len(run(connection, "release", queue=queue, cap=bound, limit=limit))


def prune(connection: Connection, *, retention: timedelta, limit: int = 1000) -> int:
    """Hollow out succeeded records older than `retention`: the key keeps answering, payload and result are gone."""
    return len(run(connection, "prune", retention=retention, limit=limit))


def compact_tally(connection: Connection, *, limit: int = 10_000) -> bool:
    """Sum up the oldest rows of the tally; True where there may be more of them."""
    return bool(run(connection, "compact", limit=limit)[0][0] >= limit)


# -- by a person ------------------------------------------------------------------------------------------------------


def cancel(connection: Connection, id_: UUID, *, token: int, why: str) -> bool:
    """Withdraw a queued record; `token` is the one on the page, so that nobody cancels what he did not see."""
    return bool(run(connection, "cancel", id=id_, token=token, why=why))


def terminate(connection: Connection, claimed: Claimed, *, why: str) -> State:
    """End a record whose process was ended for it.

    Raises:
        LeaseLost: that process had settled it in its last moment.
    """
    owned = {"id": claimed.id, "token": claimed.fencing_token, "lease_id": claimed.lease_id}
    rows = run(connection, "terminate", **owned, why=why)
    if not rows:
        raise LeaseLost(f"{claimed.task} {claimed.id}: attempt {claimed.attempt} has ended by itself")
    return State(rows[0][1])


def replay(connection: Connection, seen: Sequence[Seen]) -> dict[UUID, str]:
    """Queue given-up records again with all their attempts; returns the queue of each that was.

    Left out is what has changed since it was seen, what a successor replaced, and whose key, freed by its dedupe
    window, a newer job holds.

    Raises:
        IntegrityError: a newer job took one of the keys at this very moment. Nothing was replayed.
    """
    return {id_: queue for id_, _, queue in run(connection, "replay", **_seen(seen))}


def discard(connection: Connection, seen: Sequence[Seen], *, by: str, why: str) -> set[UUID]:
    """Take given-up records off the list of what waits for a person; returns those that were. They keep their state."""
    return {id_ for id_, _ in run(connection, "discard", **_seen(seen), by=by, why=why)}


def supersede(  # noqa: PLR0913 - who corrects what, and why
    connection: Connection,
    seen: Seen,
    successor: Request,
    *,
    payload_version: int,
    by: str,
    why: str,
    nothing_done: bool,
) -> str | None:
    """Write a successor with a corrected payload, which takes over the record's key; returns its queue.

    The key stays the original request's, and so does the fingerprint: who asks for that again is answered by the
    successor. None when the record has changed since it was seen, or when its effect may have happened; `nothing_done`
    says that somebody looked just now and found none.

    Raises:
        IntegrityError: a newer job took the key, freed by its dedupe window, at this very moment.
    """
    rows = run(
        connection,
        "supersede",
        id=seen.id,
        token=seen.token,
        successor=UUID(successor.id),
        key=UUID(successor.key) if successor.key else None,
        payload=successor.payload,
        account=successor.account,
        account_hash=account_hash(successor.account),
        payload_version=payload_version,
        by=by,
        why=why,
        nothing_done=nothing_done,
    )
    return rows[0][0] if rows else None


# -- shapes -----------------------------------------------------------------------------------------------------------


def _owned(batch: Sequence[Claimed]) -> dict[str, Any]:
    """Parameters of the guard. A batch has one lease."""
    return {
        "ids": [c.id for c in batch],
        "tokens": [c.fencing_token for c in batch],
        "lease_id": batch[0].lease_id,
    }


def _seen(seen: Sequence[Seen]) -> dict[str, Any]:
    return {"ids": [s.id for s in seen], "tokens": [s.token for s in seen]}


def _problem(problem: Problem | None) -> dict[str, Any]:
    return {
        "error": problem.summary if problem else None,
        "error_class": problem.error_class if problem else None,
        "error_message": problem.message if problem else None,
        "traceback": problem.traceback if problem else None,
        "started_at": problem.started_at if problem else None,
        "nothing_done": bool(problem and problem.nothing_done),
    }


def _states(rows: list[tuple[Any, ...]]) -> dict[UUID, State]:
    return {row[0]: State(row[1]) for row in rows}
