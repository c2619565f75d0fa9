-- processing → queued, the attempt returned, within bounds where it had begun: give_back
WITH settled AS (
    UPDATE idempotency_record AS r
    SET state = 'queued', parked_reason = %(parked_reason)s,
        -- Who is given back at once keeps its place in the line.
        available_at = CASE WHEN %(delay)s > interval '0' THEN statement_timestamp() + %(delay)s ELSE available_at END,
        attempt = attempt - CASE WHEN given_back < %(bound)s OR NOT %(begun)s THEN 1 ELSE 0 END,
        given_back = given_back + CASE WHEN %(begun)s THEN 1 ELSE 0 END,
        error = coalesce(%(error)s, error), lease_expires_at = NULL,
        intent_at = CASE WHEN %(nothing_done)s THEN NULL ELSE intent_at END
    WHERE {{owned}}
    RETURNING r.*
), noted AS (
    {{attempts}}
    SELECT id, attempt + CASE WHEN given_back <= %(bound)s THEN 1 ELSE 0 END, fencing_token, 'give_back', claimed_by,
        %(started_at)s::timestamptz, statement_timestamp(), %(error_class)s, %(error_message)s, %(traceback)s
    FROM settled WHERE %(error_class)s::text IS NOT NULL
)
SELECT id, state FROM settled
