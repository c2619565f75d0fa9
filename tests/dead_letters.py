"""Given-up jobs in any number, in one statement, as workers leave them behind."""

from typing import Any

# The guard of the table has no objection to an INSERT. Two letters name the cause: a number would be none.
MAKE = """
INSERT INTO idempotency_record (id, task, queue, state, key, fingerprint, payload, payload_version, available_at,
    attempt, max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, account, account_hash, reason,
    error, created_at, finished_at)
SELECT gen_random_uuid(), %(task)s, %(queue)s, 'dead_lettered', gen_random_uuid(), gen_random_uuid(),
    jsonb_build_object(%(parameter)s::text, %(prefix)s || n), 1, statement_timestamp(), 5, 5, 0, 0, false, false, 5, 0,
    'account ' || n %% 50, n %% 50, 'attempts_exhausted', 'Cause' || chr(65 + n %% %(causes)s / 26)
    || chr(65 + n %% %(causes)s %% 26) || 'Error: INV-' || n || ' was refused',
    statement_timestamp() - interval '1 day', statement_timestamp() - n * interval '1 second'
FROM generate_series(1, %(count)s) AS n
"""
TALLY = "INSERT INTO idempotency_tally (task, accepted, pruned) VALUES (%(task)s, %(count)s, 0)"


def make(connection: Any, count: int, *, task: str, queue: str, causes: int, parameter: str, prefix: str) -> None:
    """Dead letters of a task with one parameter, with so many different errors."""
    about = {"count": count, "task": task, "queue": queue, "causes": causes, "parameter": parameter, "prefix": prefix}
    with connection.cursor() as cursor:
        cursor.execute(MAKE, about)
        cursor.execute(TALLY, about)
