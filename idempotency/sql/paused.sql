-- read: whether the queue is paused
SELECT EXISTS (SELECT FROM idempotency_queue WHERE name = %(queue)s AND {{paused}})
