-- read: how many records wait in a queue, due or not, parked ones aside, counted up to a cap
SELECT count(*) FROM (
    SELECT FROM idempotency_record WHERE queue = %(queue)s AND state = 'queued' AND parked_reason IS NULL
    ORDER BY available_at LIMIT %(cap)s  -- the order of the index: no plan may read finished records instead
) AS waiting
