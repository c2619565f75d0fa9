-- read: which of these this very claim has settled; asked when the answer to a settle was lost
SELECT r.id FROM idempotency_record AS r
JOIN unnest(%(ids)s::uuid[], %(tokens)s::bigint[]) AS o (id, token) ON r.id = o.id
WHERE r.id = ANY(%(ids)s::uuid[]) AND r.state = 'succeeded' AND r.fencing_token = o.token AND r.lease_id = %(lease_id)s
