-- queued → processing: claim
WITH due AS MATERIALIZED (
    SELECT id, solo, available_at FROM idempotency_record
    WHERE queue = %(queue)s AND {{claimable}}
    ORDER BY available_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
), ranked AS (
    SELECT id, solo, row_number() OVER (ORDER BY available_at, id) AS place,
        first_value(solo) OVER (ORDER BY available_at, id) AS solo_first FROM due
), chosen AS (
    SELECT id, count(*) OVER () = 1 AS alone FROM ranked WHERE place = 1 OR NOT (solo OR solo_first)
)
UPDATE idempotency_record AS r
SET state = 'processing', attempt = attempt + 1, fencing_token = fencing_token + 1, lease_id = %(lease_id)s,
    lease_expires_at = statement_timestamp() + %(lease)s, alone = chosen.alone, claimed_by = %(claimed_by)s,
    started_at = statement_timestamp()
FROM chosen WHERE r.id = chosen.id AND r.state = 'queued'
RETURNING r.id, r.task, r.queue, r.key, r.payload, r.payload_version, r.options, r.attempt, r.max_attempts,
    r.fencing_token, r.lease_id, r.lease_expires_at, r.solo, r.available_at, r.replay_count, r.intent_at, r.created_at,
    (SELECT count(*) FROM due) > (SELECT count(*) FROM chosen) AS left_others
