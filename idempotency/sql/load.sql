-- read: what each queue holds and how long that has waited; spans are seconds
WITH {{ongoing}}, tried AS MATERIALIZED (
    {{tried}}
)
SELECT q.name, q.paused, due.jobs, later.jobs, held.jobs, coalesce(parked.jobs, 0), coalesce(running.jobs, 0),
    coalesce(running.overdue, 0),
    coalesce(extract(epoch FROM statement_timestamp() - due.ages[1]), 0)::float8,
    coalesce(extract(epoch FROM statement_timestamp() - due.ages[2]), 0)::float8,
    coalesce(extract(epoch FROM statement_timestamp() - due.ages[3]), 0)::float8,
    greatest(0, extract(epoch FROM statement_timestamp()
        - least(due.oldest, held.oldest, running.oldest, parked.oldest, tried.oldest)))::float8, due.late
FROM (SELECT queues.*, EXISTS (SELECT FROM idempotency_queue AS p WHERE p.name = queues.name AND {{paused}}) AS paused
      FROM unnest(%(queues)s::text[], %(deadlines)s::interval[]) AS queues (name, deadline)) AS q
LEFT JOIN running ON running.queue = q.name LEFT JOIN parked ON parked.queue = q.name
LEFT JOIN tried ON tried.queue = q.name, LATERAL (
    SELECT count(*) AS jobs, min(available_at) AS oldest,
        count(*) FILTER (WHERE available_at < statement_timestamp() - q.deadline) AS late,
        -- 95 of 100 have waited no longer than the one that only 5 of 100 have waited longer than.
        percentile_disc(ARRAY[0.5, 0.05, 0.01]) WITHIN GROUP (ORDER BY available_at) AS ages
    FROM ({{due}}) AS due
) AS due, {{aside}}
