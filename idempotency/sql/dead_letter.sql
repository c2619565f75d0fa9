-- processing → dead_lettered: dead_letter
WITH settled AS (
    UPDATE idempotency_record AS r
    SET state = 'dead_lettered', reason = %(reason)s, error = %(error)s, finished_at = statement_timestamp(),
        lease_expires_at = NULL
    FROM (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
    WHERE {{own}}
    RETURNING r.*
), noted AS (
    {{attempts}}
    SELECT id, attempt, fencing_token, 'dead_letter', claimed_by, %(started_at)s::timestamptz, statement_timestamp(),
        %(error_class)s, %(error_message)s, %(traceback)s FROM settled
)
SELECT id, state FROM settled
