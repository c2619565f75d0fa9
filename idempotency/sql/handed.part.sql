r.id, r.task, r.queue, r.key, r.payload::text, r.payload_version, r.options::text, r.attempt, r.max_attempts,
    r.fencing_token, r.lease_id, r.lease_expires_at, r.solo, r.available_at, r.replay_count, r.intent_at, r.created_at,
    r.claimed_by, r.calls
