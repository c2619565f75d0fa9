-- read: what each queue holds
WITH live AS (
    SELECT queue, count(*) FILTER (WHERE {{claimable}}) AS claimable,
        count(*) FILTER (WHERE state = 'queued' AND parked_reason IS NULL AND NOT held) AS queued,
        count(*) FILTER (WHERE parked_reason IS NOT NULL) AS parked, count(*) FILTER (WHERE held) AS held,
        count(*) FILTER (WHERE state = 'processing') AS processing,
        count(*) FILTER (WHERE state IN ('failed_permanent', 'dead_lettered')) AS given_up
    FROM idempotency_record
    WHERE state = 'queued' OR state = 'processing' OR state IN ('failed_permanent', 'dead_lettered')
    GROUP BY queue
)
SELECT name, coalesce(claimable, 0), coalesce(queued - claimable, 0), coalesce(parked, 0), coalesce(held, 0),
    coalesce(processing, 0), coalesce(given_up, 0),
    EXISTS (SELECT FROM idempotency_queue AS p WHERE p.name = queues.name AND {{paused}})
FROM unnest(%(queues)s::text[]) WITH ORDINALITY AS queues (name, place) LEFT JOIN live ON live.queue = name
ORDER BY place
