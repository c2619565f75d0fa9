r.id, r.task, r.key, r.payload::text, r.payload_version, r.options::text, r.attempt, r.max_attempts, r.fencing_token,
    r.solo, r.available_at, r.replay_count, r.intent_at, r.created_at, r.calls
