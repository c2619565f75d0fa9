-- how its newest jobs ended, the newest first
SELECT r.state FROM jobs_schedules_tick AS t JOIN idempotency_record AS r ON r.id = t.record_id
WHERE t.schedule = %(schedule)s AND t.outcome = 'fired' AND t.nominal > coalesce(%(since)s, '-infinity'::timestamptz)
    AND r.state IN ('succeeded', 'failed_permanent', 'dead_lettered')
ORDER BY t.nominal DESC LIMIT %(most)s
