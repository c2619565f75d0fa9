"""Many new records by COPY: two thirds of an INSERT's time, and PostgreSQL takes some while others are made.

It cannot give way to a record that holds its place, so it is for records that nothing can stand in the way of: they
have no key, and their ids, 74 random bits within a millisecond, were made for them a moment ago.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from idempotency.claims import Request, Terms
from idempotency.keys import account_hash
from idempotency.statements import Connection, run, statement
from idempotency.states import State

NULL = "\\N"


def copy(connection: Connection, terms: Terms, chunks: Iterable[Sequence[Request]]) -> bool:
    """Write them, in the caller's transaction; True where a hint would lead to them."""
    moment = {"queue": terms.queue, "run_after": terms.run_after, "delay": terms.delay, "held": terms.held}
    ((now, due, lined, claimable),) = run(connection, "due_when", **moment)
    rest = _shared(terms, now, due, lined=lined)
    written = 0
    errors: AbstractContextManager[Any] = getattr(connection, "wrap_database_errors", nullcontext())
    with errors, connection.cursor() as cursor, cursor.copy(statement("enqueue_copy")) as stream:
        for chunk in chunks:
            stream.write("".join(_lines(chunk, rest)))
            written += len(chunk)
    run(connection, "tally", task=terms.task, accepted=written)
    return bool(claimable)


def _lines(requests: Sequence[Request], rest: str) -> Iterator[str]:
    """One line of COPY's text for each. JSON text holds no character that must be escaped there but the backslash."""
    for id_, _, fingerprint, payload, account in requests:
        text = payload.replace("\\", "\\\\")
        if account:
            yield f"{id_}\t{fingerprint}\t{text}\t{_escaped(account)}\t{account_hash(account)}{rest}"
        else:
            yield f"{id_}\t{fingerprint}\t{text}\t\t0{rest}"


def _shared(terms: Terms, now: str, due: str, *, lined: bool) -> str:
    """The columns that are the same for all."""
    line = terms.priority * 2 if lined else None
    version, most, solo = terms.payload_version, terms.max_attempts, terms.solo
    values = (terms.task, terms.queue, State.QUEUED, version, terms.options, due, now, 0, most, 0, 0, solo, False, 0, 0,
              terms.priority, terms.calls, terms.held, line)  # fmt: skip
    return "".join(f"\t{NULL if value is None else _escaped(str(value))}" for value in values) + "\n"


def _escaped(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("\t", "\\t")
    return escaped.replace("\n", "\\n").replace("\r", "\\r")
