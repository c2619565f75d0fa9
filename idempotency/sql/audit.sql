-- read: the books of each task, in one snapshot
WITH held AS (
    SELECT task, count(*) FILTER (WHERE state = 'queued') AS queued,
        count(*) FILTER (WHERE state = 'processing') AS processing,
        count(*) FILTER (WHERE state = 'succeeded' AND pruned_at IS NULL) AS succeeded,
        count(*) FILTER (WHERE state = 'failed_permanent') AS failed_permanent,
        count(*) FILTER (WHERE state = 'dead_lettered') AS dead_lettered
    FROM idempotency_record WHERE %(task)s::text IS NULL OR task = %(task)s GROUP BY task
), told AS (
    SELECT task, sum(accepted) AS accepted, sum(pruned) AS pruned FROM idempotency_tally
    WHERE %(task)s::text IS NULL OR task = %(task)s GROUP BY task
)
SELECT task, coalesce(accepted, 0)::bigint, coalesce(succeeded, 0), coalesce(failed_permanent, 0),
    coalesce(dead_lettered, 0), coalesce(processing, 0), coalesce(queued, 0), coalesce(pruned, 0)::bigint
FROM told FULL JOIN held USING (task) ORDER BY task
