-- read: now, when what is asked for now is due, whether it stands in line, and whether a hint would lead to it
SELECT to_char(statement_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    to_char(available_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), lined,
    lined AND NOT EXISTS (SELECT FROM idempotency_queue WHERE name = %(queue)s AND {{paused}})
FROM (SELECT available_at, available_at <= statement_timestamp() AND NOT %(held)s AS lined FROM (
    SELECT greatest(%(run_after)s::timestamptz, statement_timestamp() + %(delay)s::interval) AS available_at) AS due) AS d
