-- processing → failed_permanent: terminate
WITH settled AS (
    UPDATE idempotency_record AS r
    SET state = 'failed_permanent', reason = 'cancelled', error = %(why)s, finished_at = statement_timestamp(),
        lease_expires_at = NULL
    FROM (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
    WHERE {{own}}
    RETURNING r.*
), noted AS (
    {{attempts}}
    SELECT id, attempt, fencing_token, 'terminate', claimed_by, started_at, statement_timestamp(), 'Terminated', error,
        NULL FROM settled
)
SELECT id, state FROM settled
