(SELECT available_at FROM idempotency_record WHERE queue = q.name AND line IS NOT NULL
 ORDER BY line, account_hash, available_at LIMIT %(cap)s)
UNION ALL
-- Due, and not in line yet: nobody has staged it, or its queue is paused.
(SELECT available_at FROM idempotency_record WHERE queue = q.name AND state = 'queued' AND parked_reason IS NULL
     AND line IS NULL AND NOT held AND available_at <= statement_timestamp() ORDER BY available_at LIMIT %(cap)s)
