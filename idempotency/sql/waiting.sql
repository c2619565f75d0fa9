-- read: how many records wait in a queue, due or not, parked and held ones aside, counted up to a cap
SELECT count(*) FROM (
    -- In the orders of the two indexes: no plan may read finished records instead.
    (SELECT FROM idempotency_record WHERE queue = %(queue)s AND line IS NOT NULL
     ORDER BY line, account_hash, available_at LIMIT %(cap)s)
    UNION ALL
    (SELECT FROM idempotency_record WHERE queue = %(queue)s AND state = 'queued' AND parked_reason IS NULL
       AND line IS NULL AND NOT held ORDER BY available_at LIMIT %(cap)s)
    LIMIT %(cap)s
) AS waiting
