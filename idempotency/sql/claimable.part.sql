state = 'queued' AND parked_reason IS NULL AND NOT held AND available_at <= statement_timestamp()
    AND attempt < max_attempts
    -- IS NOT TRUE and not NOT EXISTS: that becomes a join, whose guessed size makes the planner sort a whole backlog.
    AND EXISTS (SELECT FROM idempotency_queue AS q WHERE q.name = queue AND {{paused}}) IS NOT TRUE
