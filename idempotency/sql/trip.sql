-- queue: its vendor has failed again; at the threshold, and with each failed probe, a pause twice as long as the last
INSERT INTO idempotency_queue AS q (name, vendor, failures) VALUES (%(queue)s, %(vendor)s, 1)
ON CONFLICT (name) DO UPDATE
SET vendor = excluded.vendor, failures = q.failures + 1, probe_id = NULL,
    (paused_at, paused_until, pause_kind, pause_reason, paused_by, episode_at) = (
        SELECT CASE WHEN opens THEN statement_timestamp() END,
            CASE WHEN opens THEN statement_timestamp() + least(%(longest)s,
                %(shortest)s * (2 ^ least(greatest(q.failures + 1 - %(threshold)s, 0), 20))) END,
            CASE WHEN opens THEN 'circuit' END, CASE WHEN opens THEN %(reason)s END, CASE WHEN opens THEN %(by)s END,
            CASE WHEN NOT opens OR q.paused_at IS NOT NULL OR q.ramp_from > statement_timestamp() - 10 * q.ramp_step * interval '1 second'
                 THEN q.episode_at ELSE statement_timestamp() END
        FROM (SELECT q.failures + 1 >= %(threshold)s OR q.paused_at IS NOT NULL AS opens) AS o)
-- What fails while it is paused was on its way before.
WHERE (SELECT {{paused}} FROM (SELECT q.*) AS was) IS NOT TRUE
RETURNING paused_at IS NOT NULL
