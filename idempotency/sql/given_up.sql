-- read: how many jobs were dead-lettered in the last hour, and how many wait for a person; each up to a cap
WITH RECURSIVE tasks AS (
    (SELECT task FROM idempotency_record WHERE state IN ('dead_lettered', 'failed_permanent') ORDER BY task LIMIT 1)
    UNION ALL
    SELECT next.task FROM tasks, LATERAL (SELECT r.task FROM idempotency_record AS r
        WHERE r.state IN ('dead_lettered', 'failed_permanent') AND r.task > tasks.task ORDER BY r.task LIMIT 1) AS next
)
SELECT (SELECT count(*) FROM (
        SELECT FROM tasks, LATERAL (SELECT FROM idempotency_record AS r WHERE r.task = tasks.task
            AND r.state IN ('dead_lettered', 'failed_permanent') AND r.state = 'dead_lettered'
            AND r.finished_at > statement_timestamp() - interval '1 hour') AS dead LIMIT %(cap)s) AS lately),
    (SELECT count(*) FROM (SELECT FROM idempotency_record
        WHERE state IN ('dead_lettered', 'failed_permanent') AND resolved_at IS NULL
        ORDER BY incident, finished_at LIMIT %(cap)s) AS open)
