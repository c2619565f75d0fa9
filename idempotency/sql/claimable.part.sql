state = 'queued' AND parked_reason IS NULL AND available_at <= statement_timestamp() AND attempt < max_attempts
    -- IS NOT TRUE and not NOT EXISTS: that becomes a join, whose guessed size makes a claim sort the whole backlog.
    AND EXISTS (SELECT FROM idempotency_queue AS q
                WHERE q.name = queue AND q.paused_at IS NOT NULL
                  AND (q.paused_until IS NULL OR q.paused_until > statement_timestamp())) IS NOT TRUE
