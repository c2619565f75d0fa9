-- queued → failed_permanent: cancel
UPDATE idempotency_record
SET state = 'failed_permanent', reason = 'cancelled', error = %(why)s, finished_at = statement_timestamp(),
    parked_reason = NULL, line = NULL, held = false
WHERE id = %(id)s AND state = 'queued' AND fencing_token = %(token)s
RETURNING id, state
