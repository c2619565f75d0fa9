-- queue: pause, never shorter than it already is
INSERT INTO idempotency_queue AS q (name, paused_at, paused_until, pause_reason, paused_by)
VALUES (%(queue)s, statement_timestamp(), statement_timestamp() + %(duration)s::interval, %(reason)s, %(by)s)
ON CONFLICT (name) DO UPDATE
SET paused_at = CASE WHEN q.paused_at IS NULL OR q.paused_until <= statement_timestamp() THEN statement_timestamp()
                     ELSE q.paused_at END,
    paused_until = excluded.paused_until, pause_reason = excluded.pause_reason, paused_by = excluded.paused_by
WHERE q.paused_at IS NULL OR q.paused_until <= statement_timestamp()
   OR (q.paused_until IS NOT NULL AND (excluded.paused_until IS NULL OR excluded.paused_until > q.paused_until))
RETURNING paused_until
