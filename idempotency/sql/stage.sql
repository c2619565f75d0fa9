-- queued → queued: let those stand in line whose time has come
WITH due AS MATERIALIZED (  -- on its own: as a condition it may be asked again for each row, and each time for others
    SELECT r.id FROM unnest(%(queues)s::text[]) AS q (name), LATERAL (
        SELECT id FROM idempotency_record
        WHERE queue = q.name AND state = 'queued' AND parked_reason IS NULL AND line IS NULL AND NOT held
          AND available_at <= statement_timestamp() AND attempt < max_attempts
        ORDER BY available_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS r
    WHERE EXISTS (SELECT FROM idempotency_queue AS p WHERE p.name = q.name AND {{paused}}) IS NOT TRUE
)
UPDATE idempotency_record AS r SET line = {{line}}
FROM due
-- The guard is in `due`, which holds the rows. Said again here in full, a planner that has no statistics yet would find
-- these rows by reading all that waits.
WHERE r.id = due.id AND state = 'queued'
RETURNING r.id
