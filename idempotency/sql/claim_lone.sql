-- queued → processing: claim
-- Where one record stands in line and nothing restrains its queue: a third of the work.
{{taking}}, alone = true
WHERE r.id = (
    SELECT id FROM idempotency_record
    WHERE queue = %(queue)s AND line IS NOT NULL AND attempt < max_attempts
      -- Of several the turns decide. Looked for without a lock: nobody passes over what is not taken.
      AND (SELECT true FROM idempotency_record WHERE queue = %(queue)s AND line IS NOT NULL
           ORDER BY line, account_hash, available_at OFFSET 1 LIMIT 1) IS NULL
      AND NOT EXISTS (SELECT FROM idempotency_queue WHERE name = %(queue)s AND (vendor IS NOT NULL OR {{paused}}))
    ORDER BY line, account_hash, available_at LIMIT 1 FOR UPDATE SKIP LOCKED
) AND r.state = 'queued' AND (SELECT %(durable)s OR set_config('synchronous_commit', 'off', true) = 'off')
RETURNING {{handed}},
    -- The line in which it stood: none but a record's first attempt has the even one.
    1::bigint AS number, (r.priority * 2 + CASE WHEN r.attempt = 1 THEN 0 ELSE 1 END) AS line, r.account_hash, 1 AS turn,
    NULL::float8 AS slot_in,
    json_build_array(r.queue, r.claimed_by, r.lease_expires_at, false, false, NULL, NULL, NULL)::text AS of_all
