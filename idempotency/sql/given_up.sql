-- read: how many jobs were dead-lettered in the last hour, and how many wait for a person; each up to a cap
SELECT (SELECT count(*) FROM (SELECT FROM idempotency_givenup
        -- Not the records themselves: a replay takes a job out of them, and out of no surge.
        WHERE at > statement_timestamp() - interval '1 hour' AND state = 'dead_lettered' LIMIT %(cap)s) AS lately),
    (SELECT count(*) FROM (SELECT FROM idempotency_record
        WHERE state IN ('dead_lettered', 'failed_permanent') AND resolved_at IS NULL
        ORDER BY incident, finished_at LIMIT %(cap)s) AS open)
