-- queued → queued: let those stand in line whose time has come
UPDATE idempotency_record SET line = {{line}}
WHERE id IN (
    SELECT r.id FROM unnest(%(queues)s::text[]) AS q (name), LATERAL (
        SELECT id FROM idempotency_record
        WHERE queue = q.name AND state = 'queued' AND parked_reason IS NULL AND line IS NULL AND NOT held
          AND available_at <= statement_timestamp() AND attempt < max_attempts
        ORDER BY available_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS r
    WHERE EXISTS (SELECT FROM idempotency_queue AS p WHERE p.name = q.name AND {{paused}}) IS NOT TRUE)
  AND state = 'queued' AND parked_reason IS NULL AND line IS NULL AND NOT held
RETURNING id
