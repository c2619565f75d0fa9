-- none → queued: enqueue
WITH requested AS (
    SELECT * FROM unnest(%(ids)s::uuid[], %(keys)s::uuid[], %(fingerprints)s::uuid[], %(payloads)s::text[],
        %(accounts)s::text[], %(account_hashes)s::int[]) AS r (id, key, fingerprint, payload, account, account_hash),
        LATERAL (SELECT greatest(%(run_after)s::timestamptz, statement_timestamp() + %(delay)s) AS available_at) AS due
), inserted AS (
    INSERT INTO idempotency_record (
        id, task, queue, state, key, fingerprint, payload, payload_version, options, available_at, attempt,
        max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at,
        account, account_hash, priority, calls, held, line)
    SELECT id, %(task)s, %(queue)s, 'queued', key, fingerprint, payload::jsonb, %(payload_version)s,
        %(options)s::jsonb, available_at, 0, %(max_attempts)s, 0, 0, %(solo)s, false, 0, 0, statement_timestamp(),
        account, account_hash, %(priority)s, %(calls)s, %(held)s,
        CASE WHEN available_at <= statement_timestamp() AND NOT %(held)s THEN %(priority)s * 2 END
    FROM requested ORDER BY key  -- one order for all callers, so that two of them never wait for each other
    ON CONFLICT DO NOTHING
    RETURNING id, available_at
), tallied AS (
    INSERT INTO idempotency_tally (task, accepted, pruned) SELECT %(task)s, count(*), 0 FROM inserted HAVING count(*) > 0
)
SELECT id, available_at <= statement_timestamp() AND NOT %(held)s AND NOT EXISTS (
    SELECT FROM idempotency_queue WHERE name = %(queue)s AND {{paused}}) AS claimable
FROM inserted
