-- none → queued: enqueue
WITH requested AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(keys)s::uuid[], %(fingerprints)s::uuid[], %(payloads)s::text[])
        AS r (id, key, fingerprint, payload)
), inserted AS (
    INSERT INTO idempotency_record (
        id, task, queue, state, key, fingerprint, payload, payload_version, options, available_at, attempt,
        max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at)
    SELECT id, %(task)s, %(queue)s, 'queued', key, fingerprint, payload::jsonb, %(payload_version)s,
        %(options)s::jsonb, greatest(%(run_after)s::timestamptz, statement_timestamp() + %(delay)s), 0,
        %(max_attempts)s, 0, 0, %(solo)s, false, 0, 0, statement_timestamp()
    FROM requested ORDER BY key  -- one order for all callers, so that two of them never wait for each other
    ON CONFLICT DO NOTHING
    RETURNING id, available_at
), tallied AS (
    INSERT INTO idempotency_tally (task, accepted, pruned) SELECT %(task)s, count(*), 0 FROM inserted HAVING count(*) > 0
)
SELECT id, available_at <= statement_timestamp() AND NOT EXISTS (
    SELECT FROM idempotency_queue WHERE name = %(queue)s AND paused_at IS NOT NULL
        AND (paused_until IS NULL OR paused_until > statement_timestamp())) AS claimable
FROM inserted
