-- queued → queued: let the oldest held records into their queue while there is room: release
WITH oldest AS MATERIALIZED (  -- read once: a join could read it for each row, and would skip what it has locked
    SELECT id FROM idempotency_record WHERE queue = %(queue)s AND held ORDER BY available_at
    LIMIT CASE WHEN %(cap)s::int IS NULL THEN %(limit)s ELSE greatest(0, least(%(limit)s, %(cap)s - {{waiting}})) END
    FOR UPDATE SKIP LOCKED
)
UPDATE idempotency_record AS r
SET held = false, line = CASE WHEN available_at <= statement_timestamp() THEN {{line}} END
FROM oldest WHERE r.id = oldest.id AND held AND state = 'queued'
RETURNING r.id
