-- terminal: free the key of records whose dedupe window has passed
UPDATE idempotency_record SET key = NULL, freed_key = key
WHERE id = ANY(%(ids)s::uuid[]) AND state IN ('succeeded', 'failed_permanent', 'dead_lettered')
  AND finished_at < statement_timestamp() - %(window)s::interval
