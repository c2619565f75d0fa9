-- read: the queues that are paused, or whose vendor is being probed; spans are seconds
SELECT name, vendor, {{paused}}, coalesce(pause_kind, 'operator'), pause_reason, paused_by, episode_at, paused_until,
    extract(epoch FROM statement_timestamp() - coalesce(episode_at, paused_at))::float8
FROM idempotency_queue WHERE paused_at IS NOT NULL AND (vendor IS NOT NULL OR {{paused}}) ORDER BY name
