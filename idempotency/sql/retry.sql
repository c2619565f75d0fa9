-- processing → queued, or dead_lettered at the attempt cap: retry
WITH settled AS (
    UPDATE idempotency_record AS r
    SET state = CASE WHEN attempt >= max_attempts THEN 'dead_lettered' ELSE 'queued' END,
        reason = CASE WHEN attempt < max_attempts THEN NULL
                      WHEN intent_at IS NOT NULL AND NOT %(nothing_done)s THEN 'unknown_outcome'
                      ELSE 'attempts_exhausted' END,
        intent_at = CASE WHEN %(nothing_done)s THEN NULL ELSE intent_at END,
        finished_at = CASE WHEN attempt >= max_attempts THEN statement_timestamp() END,
        available_at = statement_timestamp() + %(delay)s, error = %(error)s, lease_expires_at = NULL
    FROM (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
    WHERE {{own}}
    RETURNING r.*
), noted AS (
    {{attempts}}
    SELECT id, attempt, fencing_token, 'retry', claimed_by, %(started_at)s::timestamptz, statement_timestamp(),
        %(error_class)s, %(error_message)s, %(traceback)s FROM settled
)
SELECT id, state FROM settled
