-- processing → failed_permanent: fail
WITH settled AS (
    UPDATE idempotency_record AS r
    SET state = 'failed_permanent', reason = %(reason)s, error = %(error)s, finished_at = statement_timestamp(),
        intent_at = CASE WHEN %(nothing_done)s THEN NULL ELSE intent_at END, lease_expires_at = NULL
    FROM (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
    WHERE {{own}}
    RETURNING r.*
), noted AS (
    {{attempts}}
    SELECT id, attempt, fencing_token, 'fail', claimed_by, %(started_at)s::timestamptz, statement_timestamp(),
        %(error_class)s, %(error_message)s, %(traceback)s FROM settled
)
SELECT id, state FROM settled
