-- processing → succeeded: succeed
UPDATE idempotency_record AS r
SET state = 'succeeded', error = NULL, finished_at = statement_timestamp(), lease_expires_at = NULL,
    -- By position and not by a join: the planner would compare each record with each.
    result = (%(results)s::text[])[array_position(%(ids)s::uuid[], r.id)]::jsonb
WHERE {{owned}}
RETURNING r.id
