-- read: what a claim holds; asked when its answer was lost
SELECT {{handed}},
    true AS left_others, row_number() OVER (ORDER BY r.available_at, r.id) AS number, 0 AS line, r.account_hash,
    0 AS turn, true AS doubtful, NULL AS slot_in, NULL AS apart, NULL AS late, NULL AS took
FROM idempotency_record AS r WHERE r.state = 'processing' AND r.lease_id = %(lease_id)s
