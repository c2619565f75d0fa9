-- failed_permanent, dead_lettered → queued: replay
UPDATE idempotency_record
SET state = 'queued', reason = NULL, error = NULL, finished_at = NULL, attempt = 0, given_back = 0, deaths = 0,
    intent_at = NULL,  -- the person has looked whether the effect happened
    replay_count = replay_count + 1, fencing_token = fencing_token + 1, available_at = statement_timestamp(),
    key = coalesce(key, freed_key), freed_key = NULL
WHERE id = %(id)s AND state IN ('failed_permanent', 'dead_lettered') AND fencing_token = %(token)s
  AND pruned_at IS NULL
  AND NOT EXISTS (SELECT FROM idempotency_record AS newer WHERE newer.key = idempotency_record.freed_key)
RETURNING id, state, queue
