-- read: what is known of each queue beyond its jobs; spans are seconds
SELECT name, vendor, coalesce({{paused}}, false), coalesce(vendor IS NOT NULL AND paused_until <= statement_timestamp(), false),
    coalesce(ramp_from > statement_timestamp() - 10 * ramp_step * interval '1 second', false),
    coalesce(pause_kind, 'operator'), coalesce(pause_reason, ''), coalesce(paused_by, ''), paused_at, paused_until,
    coalesce(episode_at, paused_at), extract(epoch FROM paused_until - statement_timestamp())::float8,
    extract(epoch FROM statement_timestamp() - coalesce(episode_at, paused_at))::float8, failures, calls_per_second
FROM idempotency_queue WHERE name = ANY(%(queues)s) ORDER BY name
