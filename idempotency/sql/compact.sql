-- tally: sum up the rows of each task
WITH taken AS (DELETE FROM idempotency_tally WHERE id IN (
    SELECT id FROM idempotency_tally ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED) RETURNING *
), summed AS (
    INSERT INTO idempotency_tally (task, accepted, pruned)
    SELECT task, sum(accepted), sum(pruned) FROM taken GROUP BY task
)
SELECT count(*) FROM taken
