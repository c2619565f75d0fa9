-- read: how many were given up in each queue, for which reason: within the last hour, and ever
SELECT queue, state, reason, coalesce(sum(jobs) FILTER (WHERE at > statement_timestamp() - interval '1 hour'), 0)::bigint,
    sum(jobs)::bigint
FROM idempotency_givenup GROUP BY queue, state, reason
