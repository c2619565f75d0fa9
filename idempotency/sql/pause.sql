-- queue: pause, never shorter than it already is; an episode goes on through failed probes and until the ramp is done
INSERT INTO idempotency_queue AS q
    (name, vendor, paused_at, paused_until, pause_kind, pause_reason, paused_by, episode_at)
VALUES (%(queue)s, %(vendor)s, statement_timestamp(), statement_timestamp() + %(duration)s::interval, %(kind)s,
        %(reason)s, %(by)s, statement_timestamp())
ON CONFLICT (name) DO UPDATE
SET vendor = coalesce(excluded.vendor, q.vendor), probe_id = NULL, paused_until = excluded.paused_until,
    pause_kind = excluded.pause_kind, pause_reason = excluded.pause_reason, paused_by = excluded.paused_by,
    (paused_at, episode_at) = (
        SELECT CASE WHEN {{paused}} THEN paused_at ELSE statement_timestamp() END,
            CASE WHEN {{paused}} OR (vendor IS NOT NULL AND paused_at IS NOT NULL)
                   OR ramp_from > statement_timestamp() - 10 * ramp_step * interval '1 second'
                 THEN coalesce(episode_at, paused_at) ELSE statement_timestamp() END
        FROM (SELECT q.*) AS was)
WHERE q.paused_at IS NULL OR q.paused_until <= statement_timestamp()
   OR (q.paused_until IS NOT NULL AND (excluded.paused_until IS NULL OR excluded.paused_until > q.paused_until))
RETURNING paused_until
