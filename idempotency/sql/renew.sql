-- processing → processing: renew the lease
UPDATE idempotency_record AS r SET lease_expires_at = statement_timestamp() + %(lease)s
FROM unnest(%(ids)s::uuid[], %(tokens)s::bigint[]) AS o (id, token)
WHERE {{own}} AND r.id = ANY(%(ids)s::uuid[])
RETURNING r.id
