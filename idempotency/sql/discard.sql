-- failed_permanent, dead_lettered → failed_permanent, dead_lettered: discard
UPDATE idempotency_record AS r
SET resolution = 'discarded', resolved_at = statement_timestamp(), resolved_by = %(by)s, resolution_why = %(why)s,
    fencing_token = fencing_token + 1
FROM unnest(%(ids)s::uuid[], %(tokens)s::bigint[]) AS o (id, token)
WHERE r.id = o.id AND r.id = ANY(%(ids)s::uuid[]) AND r.fencing_token = o.token
  AND state IN ('failed_permanent', 'dead_lettered') AND resolved_at IS NULL
RETURNING r.id, r.state
