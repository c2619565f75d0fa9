-- one schedule, for the beat that is the first to lock it; the others pass, and so does who comes when all is done
SELECT p.name, p.task, p.args, p.kwargs, p.queue, p.exchange, p.routing_key, p.headers, p.priority, p.one_off,
    p.expire_seconds, coalesce(y.missed, 'latest') AS missed, coalesce(y.catch_up, '7 days') AS catch_up,
    coalesce(y.overlap, 'allow') AS overlap, y.pause_after, o.timing, o.anchored_at, o.accounted_until,
    o.next_due_at, o.last_record_id, o.paused_at, o.paused_why, o.resumed_at, statement_timestamp() AS now
FROM jobs_schedules_position AS o
JOIN django_celery_beat_periodictask AS p ON p.id = o.schedule_id
LEFT JOIN jobs_schedules_policy AS y ON y.schedule_id = o.schedule_id
WHERE o.schedule_id = %(id)s AND p.enabled AND o.timing IS NOT NULL AND (
    o.next_due_at <= statement_timestamp()
    OR EXISTS (SELECT FROM jobs_schedules_tick AS t WHERE t.schedule = p.name AND t.outcome = 'waiting'))
FOR UPDATE OF o SKIP LOCKED
