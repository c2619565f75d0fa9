-- queue: its vendor has failed again; at the threshold, and with each probe that fails then, a pause twice as long
INSERT INTO idempotency_queue AS q (name, vendor, failures) VALUES (%(queue)s, %(vendor)s, 1)
ON CONFLICT (name) DO UPDATE
SET vendor = excluded.vendor, failures = q.failures + 1,
    probe_id = CASE WHEN q.failures + 1 < %(threshold)s THEN q.probe_id END,
    (paused_at, paused_until, pause_kind, pause_reason, paused_by, episode_at) = (
        SELECT n.* FROM (
            SELECT statement_timestamp(), statement_timestamp() + least(%(longest)s,
                    %(shortest)s * (2 ^ least(q.failures + 1 - %(threshold)s, 20))),
                'circuit', %(reason)s::text, %(by)s::text,
                CASE WHEN q.paused_at IS NOT NULL
                       OR q.ramp_from > statement_timestamp() - 10 * q.ramp_step * interval '1 second'
                     THEN coalesce(q.episode_at, q.paused_at) ELSE statement_timestamp() END
            WHERE q.failures + 1 >= %(threshold)s
            UNION ALL
            SELECT q.paused_at, q.paused_until, q.pause_kind, q.pause_reason, q.paused_by, q.episode_at
            WHERE q.failures + 1 < %(threshold)s
        ) AS n)
-- What fails while it is paused was on its way before.
WHERE (SELECT {{paused}} FROM (SELECT q.*) AS was) IS NOT TRUE
RETURNING coalesce({{paused}}, false)
