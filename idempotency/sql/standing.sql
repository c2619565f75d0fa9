-- read: where one record stands, and what stands in its way
SELECT r.id, task, r.queue, state, key, attempt, max_attempts,
    extract(epoch FROM available_at - statement_timestamp())::float,
    extract(epoch FROM lease_expires_at - statement_timestamp())::float,
    claimed_by, parked_reason, reason, error, intent_at, finished_at, pruned_at, r.held, r.attempt > 0,
    coalesce({{paused}}, false), extract(epoch FROM q.paused_until - statement_timestamp())::float,
    q.pause_reason, q.paused_by, coalesce(q.vendor IS NOT NULL AND q.paused_until <= statement_timestamp(), false),
    coalesce(q.ramp_from > statement_timestamp() - 10 * q.ramp_step * interval '1 second', false), q.retry_share IS NOT NULL,
    (SELECT count(*) FROM (SELECT FROM idempotency_record AS a WHERE a.queue = r.queue AND a.line = r.line
        AND a.account_hash = r.account_hash AND a.available_at < r.available_at LIMIT %(cap)s) AS ahead)
FROM idempotency_record AS r LEFT JOIN idempotency_queue AS q ON q.name = r.queue
WHERE r.id = %(id)s
