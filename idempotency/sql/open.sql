-- read: the given-up records that nobody has decided about, and for how long the oldest of them has waited; seconds
SELECT queue, state, count(*), extract(epoch FROM statement_timestamp() - min(finished_at))::float8
FROM idempotency_record
WHERE state IN ('failed_permanent', 'dead_lettered') AND resolved_at IS NULL GROUP BY queue, state
