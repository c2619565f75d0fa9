-- read: what a claim from each queue could take now (counted up to a cap), and when it could take more
SELECT queues.name, least(lined.jobs, coalesce(gate.allowance, lined.jobs))::int, gate.vendor IS NOT NULL,
    (SELECT extract(epoch FROM min(available_at) - statement_timestamp())::float8 FROM idempotency_record
     WHERE queue = queues.name AND state = 'queued' AND parked_reason IS NULL AND line IS NULL AND NOT held
       AND available_at > statement_timestamp()),
    CASE WHEN gate.shut THEN extract(epoch FROM gate.paused_until - statement_timestamp())::float8
         WHEN lined.jobs > 0 AND gate.allowance = 0 AND NOT gate.probing THEN gate.first_in - 0.1 END
FROM unnest(%(queues)s::text[]) AS queues (name), LATERAL (
    WITH restraint AS (SELECT * FROM idempotency_queue AS q WHERE q.name = queues.name)
    {{gate}}
) AS gate, LATERAL (SELECT count(*) AS jobs FROM (
    -- In the index's order: of a queue that its statistics do not know the planner would read the whole table.
    SELECT FROM idempotency_record WHERE queue = queues.name AND line IS NOT NULL ORDER BY line
    LIMIT greatest(1, least(%(cap)s, gate.allowance))) AS counted) AS lined
