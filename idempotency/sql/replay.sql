-- failed_permanent, dead_lettered → queued: replay
UPDATE idempotency_record AS r
SET state = 'queued', reason = NULL, error = NULL, finished_at = NULL, attempt = 0, given_back = 0, deaths = 0,
    intent_at = NULL,  -- the person has looked whether the effect happened
    replay_count = replay_count + 1, fencing_token = fencing_token + 1, available_at = statement_timestamp(),
    key = coalesce(key, freed_key), freed_key = NULL,
    resolved_at = NULL, resolved_by = NULL, resolution = NULL, resolution_why = NULL
FROM unnest(%(ids)s::uuid[], %(tokens)s::bigint[]) AS o (id, token)
WHERE r.id = o.id AND r.id = ANY(%(ids)s::uuid[]) AND r.fencing_token = o.token
  AND state IN ('failed_permanent', 'dead_lettered') AND pruned_at IS NULL
  AND resolution IS DISTINCT FROM 'superseded'
  AND NOT EXISTS (SELECT FROM idempotency_record AS newer WHERE newer.key = r.freed_key)
RETURNING r.id, r.state, r.queue
