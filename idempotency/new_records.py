"""The statements behind `transitions.enqueue`: one for many records, and one for a single record, which is prepared."""

from collections.abc import Sequence
from typing import Any

from idempotency import arrays
from idempotency.claims import Request, Terms
from idempotency.keys import account_hash
from idempotency.prepared import run_prepared
from idempotency.statements import Connection, statement


class Sent:
    """Requests on their way. In psycopg's pipeline mode nobody has waited for them yet."""

    def __init__(self, connection: Connection, terms: Terms, requests: Sequence[Request]) -> None:
        self.requests = requests
        self._cursor = connection.cursor()
        self._cursor.execute(statement("enqueue"), _columns(requests) | _shared(terms))

    def answer(self) -> tuple[bool, list[Request]]:
        """Whether the new records are claimable, and the requests that made none. Raises the statement's error."""
        with self._cursor as cursor:
            ((claimable, written),) = cursor.fetchall()
        if written is None:
            return claimable, []
        known = {id_.hex for id_ in written}
        return claimable, [r for r in self.requests if r.id not in known]


def write_one(connection: Connection, terms: Terms, request: Request) -> tuple[bool, list[Request]]:
    """The same for a single request."""
    rows = run_prepared(
        connection,
        "enqueue_one",
        id=request.id,
        key=request.key,
        fingerprint=request.fingerprint,
        payload=request.payload,
        account=request.account,
        account_hash=account_hash(request.account),
        **_shared(terms),
    )
    return (rows[0][0], []) if rows else (False, [request])


def _columns(requests: Sequence[Request]) -> dict[str, Any]:
    """One array for each column. What is empty in all of them is an array of none: `unnest` fills it up with NULL."""
    ids, keys, fingerprints, payloads, accounts = zip(*requests, strict=True)
    named = any(accounts)
    return {
        "asked": len(ids),
        "ids": arrays.of_digits(ids),
        "keys": arrays.of_digits(keys if any(keys) else ()),
        "fingerprints": arrays.of_digits(fingerprints),
        "payloads": arrays.of_documents(payloads),
        "accounts": arrays.of_texts(accounts if named else ()),
        "account_hashes": arrays.of_numbers(map(account_hash, accounts if named else ())),
    }


def _shared(terms: Terms) -> dict[str, Any]:
    return {
        "priority": terms.priority,
        "calls": terms.calls,
        "held": terms.held,
        "task": terms.task,
        "queue": terms.queue,
        "payload_version": terms.payload_version,
        "max_attempts": terms.max_attempts,
        "solo": terms.solo,
        "run_after": terms.run_after,
        "delay": terms.delay,
        "options": terms.options,
    }
