-- processing → succeeded: succeed
UPDATE idempotency_record AS r
SET state = 'succeeded', result = o.result::jsonb, error = NULL, finished_at = statement_timestamp(), lease_expires_at = NULL
FROM unnest(%(ids)s::uuid[], %(tokens)s::bigint[], %(results)s::text[]) AS o (id, token, result)
WHERE {{own}} AND r.id = ANY(%(ids)s::uuid[])
RETURNING r.id
