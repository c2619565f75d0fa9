-- read: what a claim holds; asked when its answer was lost
SELECT {{handed}},
    row_number() OVER (ORDER BY r.available_at, r.id) AS number, 0 AS line, r.account_hash, 0 AS turn, NULL AS slot_in,
    json_build_array(r.queue, r.claimed_by, r.lease_expires_at, true, true, NULL, NULL, NULL)::text AS of_all
FROM idempotency_record AS r WHERE r.state = 'processing' AND r.lease_id = %(lease_id)s
