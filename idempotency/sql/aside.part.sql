LATERAL (
    SELECT count(*) AS jobs FROM (
        SELECT FROM idempotency_record WHERE queue = q.name AND state = 'queued' AND parked_reason IS NULL
            AND line IS NULL AND NOT held AND available_at > statement_timestamp()
        ORDER BY available_at LIMIT %(cap)s) AS later
) AS later, LATERAL (
    SELECT count(*) AS jobs, min(available_at) AS oldest FROM (
        SELECT available_at FROM idempotency_record WHERE queue = q.name AND held
        ORDER BY available_at LIMIT %(cap)s) AS held
) AS held
