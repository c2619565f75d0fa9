-- queue: resume, unless its pause is another one than was seen; a vendor's calls grow from one a second
UPDATE idempotency_queue SET paused_at = NULL, paused_until = NULL, pause_kind = NULL, pause_reason = NULL,
    paused_by = NULL, resumed_by = %(by)s, resume_reason = %(reason)s, failures = 0, probe_id = NULL,
    ramp_step = coalesce({{ramp_step}}, ramp_step),
    ramp_from = CASE WHEN vendor IS NOT NULL THEN statement_timestamp() END, next_call_at = statement_timestamp()
WHERE name = %(queue)s AND paused_at IS NOT NULL
  AND (%(seen_at)s::timestamptz IS NULL
       OR (paused_at, paused_until) IS NOT DISTINCT FROM (%(seen_at)s::timestamptz, %(seen_until)s::timestamptz))
RETURNING name
