"""What survives an attempt besides its outcome: results of steps, a cursor, a progress. All fenced as settles are."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from idempotency.claims import Claimed
from idempotency.errors import LeaseLost
from idempotency.statements import Connection, loads, run


@dataclass(frozen=True, slots=True)
class Kept:
    """A step's result as stored, and the digest of the arguments that led to it."""

    input: UUID
    result: Any


def find_step(connection: Connection, claimed: Claimed, name: str) -> Kept | None:
    for input_, result in run(connection, "find_step", id=claimed.id, name=name):
        return Kept(input_, loads(result))
    return None


def keep_step(connection: Connection, claimed: Claimed, name: str, *, input: UUID, result: str) -> Kept:  # noqa: A002
    """Store a step's result (JSON text) and return the stored one, which an earlier attempt may have written.

    Raises:
        LeaseLost: the record belongs to somebody else; nothing was stored.
    """
    _demand(claimed, run(connection, "keep_step", **_owner(claimed), name=name, input=input, result=result))
    kept = find_step(connection, claimed, name)
    if kept is None:
        raise LeaseLost(f"{claimed.task} {claimed.id}: step {name!r} was removed while it was kept")
    return kept


def keep_progress(
    connection: Connection,
    claimed: Claimed,
    *,
    cursor: str | None = None,
    done: int | None = None,
    total: int | None = None,
) -> None:
    """Store a cursor (JSON text) or counts; what is None stays. Raises LeaseLost as `keep_step` does."""
    _demand(claimed, run(connection, "keep_progress", **_owner(claimed), cursor=cursor, done=done, total=total))


def find_cursor(connection: Connection, claimed: Claimed) -> Any:
    """The newest checkpoint's cursor, None before the first."""
    for cursor, _done, _total in run(connection, "find_progress", id=claimed.id):
        return loads(cursor)
    return None


def _owner(claimed: Claimed) -> dict[str, Any]:
    return {"id": claimed.id, "token": claimed.fencing_token, "lease_id": claimed.lease_id}


def _demand(claimed: Claimed, owner: list[tuple[Any, ...]]) -> None:
    if not owner:
        raise LeaseLost(f"{claimed.task} {claimed.id}: attempt {claimed.attempt} no longer owns the record")
