(SELECT count(*) FROM (
    -- Each in the order of an index: no plan may read finished records instead.
    (SELECT 1 FROM idempotency_record WHERE queue = %(queue)s AND line IS NOT NULL
     ORDER BY line, account_hash, available_at LIMIT %(cap)s)
    UNION ALL
    (SELECT 1 FROM idempotency_record WHERE queue = %(queue)s AND state = 'queued' AND parked_reason IS NULL
        AND line IS NULL AND NOT held ORDER BY available_at LIMIT %(cap)s)
) AS waiting)
