-- none → queued, taking over the key of a given-up record: supersede
WITH old AS (
    UPDATE idempotency_record
    SET resolution = 'superseded', resolved_at = statement_timestamp(), resolved_by = %(by)s, resolution_why = %(why)s,
        fencing_token = fencing_token + 1, key = NULL, freed_key = NULL
    WHERE id = %(id)s AND fencing_token = %(token)s AND state IN ('failed_permanent', 'dead_lettered')
      AND pruned_at IS NULL AND resolution IS DISTINCT FROM 'superseded'
      AND (intent_at IS NULL OR %(nothing_done)s)  -- a new vendor key must not make the effect a second time
      AND NOT EXISTS (SELECT FROM idempotency_record AS n WHERE n.key = idempotency_record.freed_key)
    RETURNING *
), successor AS (
    INSERT INTO idempotency_record (
        id, task, queue, state, key, fingerprint, payload, payload_version, options, available_at, attempt,
        max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at,
        account, account_hash, priority, calls, held, line, replaces)
    SELECT %(successor)s, task, queue, 'queued', %(key)s, fingerprint, %(payload)s::jsonb, %(payload_version)s,
        options, statement_timestamp(), 0, max_attempts, 0, 0, solo, false, 0, 0, statement_timestamp(),
        %(account)s, %(account_hash)s, priority, calls, false, priority * 2, id FROM old
    RETURNING task, queue
), tallied AS (
    INSERT INTO idempotency_tally (task, accepted, pruned) SELECT task, 1, 0 FROM successor
)
SELECT queue FROM successor
