count(line) > 0 AND NOT EXISTS (SELECT FROM idempotency_queue WHERE name = %(queue)s AND {{paused}})
