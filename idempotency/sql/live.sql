-- read: what each queue holds now, each kind counted up to a cap
WITH running AS (
    SELECT queue, count(*) AS jobs FROM (SELECT queue FROM idempotency_record WHERE state = 'processing'
        ORDER BY lease_expires_at LIMIT %(cap)s) AS leased GROUP BY queue
), parked AS (
    SELECT queue, count(*) AS jobs FROM (SELECT queue FROM idempotency_record WHERE parked_reason IS NOT NULL
        ORDER BY task LIMIT %(cap)s) AS unknown GROUP BY queue
)
-- Each in the order of an index: no plan may read finished records instead.
SELECT queues.name, lined.jobs, extract(epoch FROM statement_timestamp() - lined.oldest)::float8, later.jobs, held.jobs,
    coalesce(parked.jobs, 0), coalesce(running.jobs, 0)
FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS queues (name, place) CROSS JOIN LATERAL (
    SELECT count(*) AS jobs, min(available_at) AS oldest FROM (
        SELECT available_at FROM idempotency_record WHERE queue = queues.name AND line IS NOT NULL
        ORDER BY line, account_hash, available_at LIMIT %(cap)s) AS r
) AS lined CROSS JOIN LATERAL (
    SELECT count(*) AS jobs FROM (
        SELECT FROM idempotency_record WHERE queue = queues.name AND state = 'queued' AND parked_reason IS NULL
            AND line IS NULL AND NOT held ORDER BY available_at LIMIT %(cap)s) AS r
) AS later CROSS JOIN LATERAL (
    SELECT count(*) AS jobs FROM (
        SELECT FROM idempotency_record WHERE queue = queues.name AND held ORDER BY available_at LIMIT %(cap)s) AS r
) AS held LEFT JOIN parked ON parked.queue = queues.name LEFT JOIN running ON running.queue = queues.name
ORDER BY place
