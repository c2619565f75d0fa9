-- processing → processing: note that an outside effect may follow, before it can: intend
UPDATE idempotency_record AS r SET intent_at = coalesce(r.intent_at, statement_timestamp())
FROM (SELECT %(id)s::uuid, %(token)s::bigint) AS o (id, token)
WHERE {{own}}
RETURNING r.id
