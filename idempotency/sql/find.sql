-- read: the records that hold these keys or ids
SELECT id, key, fingerprint, state, result,
    state IN ('succeeded', 'failed_permanent', 'dead_lettered')
        AND finished_at < statement_timestamp() - %(window)s::interval AS window_passed
FROM idempotency_record WHERE key = ANY(%(keys)s::uuid[]) OR id = ANY(%(ids)s::uuid[])
