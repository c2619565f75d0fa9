-- read: of each queue whose vendor has a limit, how many calls a claim could take at this moment
SELECT q.name, q.vendor, gate.allowance::int
FROM idempotency_queue AS q, LATERAL (
    WITH restraint AS (SELECT * FROM idempotency_queue AS r WHERE r.name = q.name)
    {{gate}}
) AS gate
WHERE q.vendor IS NOT NULL AND q.calls_per_second IS NOT NULL ORDER BY q.name
