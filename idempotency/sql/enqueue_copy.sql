-- none → queued: enqueue
COPY idempotency_record (
    id, fingerprint, payload, account, account_hash, task, queue, state, payload_version, options, available_at,
    created_at, attempt, max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, priority, calls,
    held, line
) FROM STDIN
