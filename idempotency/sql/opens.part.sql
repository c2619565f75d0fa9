CASE WHEN q.failures + 1 >= %(threshold)s OR q.paused_at IS NOT NULL
