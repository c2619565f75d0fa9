-- queue: its vendor has answered; after a pause only the probe can tell, and the calls grow from one a second
UPDATE idempotency_queue
SET failures = 0, paused_at = NULL, paused_until = NULL, pause_kind = NULL, pause_reason = NULL, paused_by = NULL,
    ramp_step = coalesce({{ramp_step}}, ramp_step),
    probe_id = NULL, ramp_from = CASE WHEN paused_at IS NULL THEN ramp_from ELSE statement_timestamp() END,
    next_call_at = CASE WHEN paused_at IS NULL THEN next_call_at ELSE statement_timestamp() END
WHERE name = %(queue)s AND (failures > 0 OR paused_at IS NOT NULL)
  AND (paused_at IS NULL
       OR (paused_until <= statement_timestamp() AND probe_id = %(id)s AND probe_token = %(token)s))
RETURNING name
