-- processing → queued, or dead_lettered at a cap: reap
WITH expired AS MATERIALIZED (
    SELECT id FROM idempotency_record
    WHERE state = 'processing' AND lease_expires_at < statement_timestamp()
    ORDER BY lease_expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), judged AS (
    SELECT r.id, CASE WHEN NOT alone THEN NULL WHEN deaths + 1 >= %(poison)s THEN 'poison'
                      WHEN attempt < max_attempts THEN NULL WHEN intent_at IS NULL THEN 'attempts_exhausted'
                      ELSE 'unknown_outcome' END AS reason FROM idempotency_record AS r JOIN expired USING (id)
), reaped AS (
    UPDATE idempotency_record AS r
    SET state = CASE WHEN judged.reason IS NULL THEN 'queued' ELSE 'dead_lettered' END, reason = judged.reason,
        finished_at = CASE WHEN judged.reason IS NULL THEN NULL ELSE statement_timestamp() END,
        available_at = statement_timestamp() + CASE WHEN alone THEN (2 ^ deaths - 1) * interval '1 second' ELSE '0' END,
        -- Of a batch nobody knows who was to blame: all return, each to be claimed alone, and none pays.
        attempt = attempt - CASE WHEN alone THEN 0 ELSE 1 END, deaths = deaths + CASE WHEN alone THEN 1 ELSE 0 END,
        solo = true, error = 'the lease ran out: the worker died, froze or lost the database', lease_expires_at = NULL
    FROM judged WHERE r.id = judged.id AND r.state = 'processing' AND r.lease_expires_at < statement_timestamp()
    RETURNING r.*
), noted AS (
    {{attempts}}
    SELECT id, attempt + CASE WHEN alone THEN 0 ELSE 1 END, fencing_token, 'reap', claimed_by, started_at,
        statement_timestamp(), 'LeaseExpired', error, NULL FROM reaped
)
SELECT id, state FROM reaped
