-- read: what a claim holds; asked when its answer was lost
SELECT r.id, r.task, r.queue, r.key, r.payload::text, r.payload_version, r.options::text, r.attempt, r.max_attempts,
    r.fencing_token, r.lease_id, r.lease_expires_at, r.solo, r.available_at, r.replay_count, r.intent_at, r.created_at,
    r.claimed_by, r.calls,
    true AS left_others, row_number() OVER (ORDER BY r.available_at, r.id) AS number, 0 AS line, r.account_hash,
    0 AS turn, true AS doubtful, NULL AS slot_in, NULL AS apart, NULL AS late, NULL AS took
FROM idempotency_record AS r WHERE r.state = 'processing' AND r.lease_id = %(lease_id)s
