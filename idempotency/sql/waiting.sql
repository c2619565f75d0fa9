-- read: how many records wait in a queue, due or not, parked ones aside; and how many are held; each up to a cap
SELECT least({{waiting}}, %(cap)s),
    (SELECT count(*) FROM (
        SELECT FROM idempotency_record WHERE queue = %(queue)s AND held ORDER BY available_at LIMIT %(cap)s) AS held)
