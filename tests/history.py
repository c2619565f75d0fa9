"""A long history in the table of records: what ended over the last day, and what lives now."""

FILL = """
INSERT INTO idempotency_record (id, task, queue, state, fingerprint, payload, payload_version, available_at, attempt,
    max_attempts, given_back, deaths, solo, alone, fencing_token, replay_count, created_at, finished_at, lease_id,
    lease_expires_at, line, account, account_hash, reason, error)
SELECT gen_random_uuid(), 't' || n %% 7, (%(queues)s::text[])[1 + n %% cardinality(%(queues)s::text[])], state,
    gen_random_uuid(), '{}', 1, at, 1, 3, 0, 0, false, false, 1, 0, at,
    CASE WHEN state IN ('succeeded', 'failed_permanent', 'dead_lettered') THEN at END,
    gen_random_uuid(), CASE WHEN state = 'processing' THEN now() + interval '1 hour' END,
    CASE WHEN state = 'queued' THEN 0 END, 'account ' || n %% 1000, n %% 1000,
    CASE state WHEN 'failed_permanent' THEN 'permanent' WHEN 'dead_lettered' THEN 'poison' END,
    CASE WHEN state IN ('failed_permanent', 'dead_lettered') THEN 'Oops: ' || n END
FROM (SELECT n, CASE WHEN n %% 500 = 0 THEN 'dead_lettered' WHEN n %% 700 = 0 THEN 'failed_permanent' ELSE 'succeeded'
          END AS state, now() - interval '1 day' * (1 - n::float / %(finished)s) AS at
      FROM generate_series(1, %(finished)s) AS n
      UNION ALL
      SELECT n, CASE WHEN n %% 200 = 0 THEN 'processing' ELSE 'queued' END, now() - interval '1 minute' * n / %(live)s
      FROM generate_series(1, %(live)s) AS n) AS states
"""
FAILED = """
INSERT INTO idempotency_attempt (record_id, attempt, fencing_token, outcome, finished_at)
SELECT id, 1, 0, 'retry', created_at FROM idempotency_record WHERE state = 'succeeded' AND account_hash % 10 = 0
ORDER BY created_at
"""
TABLES = ("idempotency_record", "idempotency_attempt", "jobs_minute")


def fill(connection, queues, *, finished: int, live: int) -> None:
    """Written in the order of time, as it comes about."""
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"queues": list(queues), "finished": finished, "live": live})
        cursor.execute(FAILED)
        for table in TABLES:
            cursor.execute(f"ANALYZE {table}")
