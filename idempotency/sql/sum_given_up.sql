-- given up: sum up what is older than every window that is looked at
WITH taken AS (DELETE FROM idempotency_givenup WHERE id IN (
    SELECT id FROM idempotency_givenup AS g WHERE g.at < statement_timestamp() - interval '2 hours' OR (g.at IS NULL
        AND EXISTS (SELECT FROM idempotency_givenup WHERE at < statement_timestamp() - interval '2 hours'))
    ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) RETURNING *
)
INSERT INTO idempotency_givenup (queue, state, reason, jobs)
SELECT queue, state, reason, sum(jobs) FROM taken GROUP BY queue, state, reason
