-- queued → queued: unpark what a live worker knows again
UPDATE idempotency_record SET parked_reason = NULL, available_at = statement_timestamp()
WHERE parked_reason IS NOT NULL AND state = 'queued' AND queue = %(queue)s
  AND EXISTS (SELECT FROM unnest(%(tasks)s::text[], %(versions)s::int[]) AS known (task, version)
              WHERE known.task = idempotency_record.task AND idempotency_record.payload_version <= known.version)
RETURNING id
