-- every enabled schedule, with its times as they stand in the tables now
SELECT p.name, p.task, {{timing}}, coalesce(o.anchored_at, statement_timestamp()),
    concat_ws(', ', 'missed: ' || coalesce(y.missed, 'latest'), 'overlap: ' || coalesce(y.overlap, 'allow')),
    o.paused_why
FROM {{schedules}}
WHERE p.enabled ORDER BY p.name
