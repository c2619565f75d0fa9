running AS MATERIALIZED (
    SELECT queue, count(*) AS jobs, min(available_at) FILTER (WHERE attempt <= 1) AS oldest,
        count(*) FILTER (WHERE lease_expires_at < statement_timestamp()) AS overdue
    FROM idempotency_record WHERE state = 'processing' AND lease_expires_at IS NOT NULL GROUP BY queue
), parked AS MATERIALIZED (
    SELECT queue, count(*) AS jobs, min(available_at) AS oldest
    FROM idempotency_record WHERE parked_reason IS NOT NULL GROUP BY queue
)
