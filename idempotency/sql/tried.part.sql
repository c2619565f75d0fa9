-- Who is tried again and again has waited since the first attempt, and not since the newest. Those that failed within
-- half an hour are looked at: who waits longer for a retry is not due.
SELECT r.queue, min(first.started_at) AS oldest
FROM (SELECT DISTINCT record_id FROM (
        SELECT record_id FROM idempotency_attempt WHERE finished_at > statement_timestamp() - interval '30 minutes'
        LIMIT %(tried)s) AS newest) AS failed
JOIN idempotency_record AS r ON r.id = failed.record_id AND r.state IN ('queued', 'processing'), LATERAL (
    -- Each claim has raised the token by one, and a replay has begun anew.
    SELECT min(a.started_at) AS started_at FROM idempotency_attempt AS a
    WHERE a.record_id = r.id AND a.fencing_token > r.fencing_token - r.attempt - r.given_back
) AS first
GROUP BY r.queue
