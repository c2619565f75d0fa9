-- schedules whose times are not those that their position stands on; what the old times still owe comes first
SELECT p.id, {{timing}}, statement_timestamp()
FROM {{schedules}}
WHERE p.enabled AND (%(id)s::int IS NULL OR p.id = %(id)s) AND (o.next_due_at IS NULL OR o.next_due_at > statement_timestamp())
    AND o.timing IS DISTINCT FROM {{timing}}
