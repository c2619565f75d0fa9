due AS (
    SELECT greatest(%(run_after)s::timestamptz, statement_timestamp() + %(delay)s::interval) AS available_at
), inserted AS (
    INSERT INTO idempotency_record (
        id, task, queue, state, key, fingerprint, payload, payload_version, options, available_at, attempt,
        max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at,
        account, account_hash, priority, calls, held, line)
    SELECT id, %(task)s::text, %(queue)s::text, 'queued', key, fingerprint, payload::jsonb, %(payload_version)s::int,
        %(options)s::jsonb, available_at, 0, %(max_attempts)s::int, 0, 0, %(solo)s::bool, false, 0, 0,
        statement_timestamp(), coalesce(account, ''), coalesce(account_hash, 0), %(priority)s::int, %(calls)s::int,
        %(held)s::bool, CASE WHEN available_at <= statement_timestamp() AND NOT %(held)s THEN %(priority)s * 2 END
    FROM requested, due ORDER BY key  -- one order for all callers, so that two of them never wait for each other
    ON CONFLICT DO NOTHING
    RETURNING id, line
), tallied AS (
    INSERT INTO idempotency_tally (task, accepted, pruned) SELECT %(task)s, count(*), 0 FROM inserted HAVING count(*) > 0
)
