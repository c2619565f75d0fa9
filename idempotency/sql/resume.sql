-- queue: resume
UPDATE idempotency_queue SET paused_at = NULL, paused_until = NULL, pause_reason = NULL, paused_by = NULL
WHERE name = %(queue)s AND paused_at IS NOT NULL
RETURNING name
