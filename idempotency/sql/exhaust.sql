-- queued → dead_lettered: exhaust
WITH spent AS MATERIALIZED (
    SELECT id FROM idempotency_record
    WHERE state = 'queued' AND parked_reason IS NULL AND line IS NULL AND NOT held
      AND queue = ANY(%(queues)s::text[]) AND available_at <= statement_timestamp() AND attempt >= max_attempts
    LIMIT %(limit)s FOR UPDATE SKIP LOCKED
)
UPDATE idempotency_record AS r
SET state = 'dead_lettered', finished_at = statement_timestamp(), parked_reason = NULL,
    reason = CASE WHEN intent_at IS NULL THEN 'attempts_exhausted' ELSE 'unknown_outcome' END
FROM spent WHERE r.id = spent.id AND state = 'queued'
RETURNING r.id, state
