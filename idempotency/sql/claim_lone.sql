-- queued → processing: claim
-- Where one record stands in line and nothing restrains its queue: half the work.
WITH taken AS MATERIALIZED (
    SELECT id, line FROM idempotency_record
    WHERE queue = %(queue)s AND line IS NOT NULL AND attempt < max_attempts
      -- Of several the turns decide. Counted without a lock: nobody passes over what is not taken.
      AND (SELECT count(*) FROM (SELECT FROM idempotency_record WHERE queue = %(queue)s AND line IS NOT NULL
           ORDER BY line, account_hash, available_at LIMIT 2) AS two) = 1
      AND NOT EXISTS (SELECT FROM idempotency_queue WHERE name = %(queue)s AND (vendor IS NOT NULL OR {{paused}}))
    ORDER BY line, account_hash, available_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
{{take}} AND (SELECT %(durable)s OR set_config('synchronous_commit', 'off', true) = 'off')
RETURNING {{handed}},
    false AS left_others, 1::bigint AS number, (SELECT line FROM taken) AS line, r.account_hash, 1 AS turn,
    false AS doubtful, NULL::float8 AS slot_in, NULL::float8 AS apart, NULL::float8 AS late, NULL::float8 AS took
